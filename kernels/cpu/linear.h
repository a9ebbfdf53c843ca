// Panels of a weight times all activation rows: which kernel takes them, and what is done with the
// sums.
#ifndef KERNELS_CPU_LINEAR_H_
#define KERNELS_CPU_LINEAR_H_

#include "kernels/cpu/block_product.h"
#include "kernels/cpu/float_tile.h"
#include "kernels/cpu/packed_tile.h"
#include "kernels/cpu/vector_math.h"
#include "kernels/formats/all.h"

namespace kernels::cpu {
namespace {

KERNELS_INLINE bool is_float(Format format) {
  return format == Format::kF32 || format == Format::kF16 || format == Format::kBF16;
}

// The products of some rows with the panels from `panel` on, L::kBlockPanels of them or as many as
// there are.
struct ProductJob {
  const PackedWeight* weight;
  std::size_t panel;
  std::size_t panels;  // of the weight
  const Activations* x;
  std::size_t first_row;  // begins a tile
  std::size_t count;
  float* sums;
};

// Rows of one call on packed codes: each size is a kernel of its own for every format, so there are
// not too many.
template <std::size_t kMax>
KERNELS_INLINE std::size_t direct_step(std::size_t left) {
  std::size_t step = 1;
  constexpr std::size_t kSizes[] = {2, 4, 8, 12};
  for (const std::size_t size : kSizes) {
    if (size <= left && size <= kMax) step = size;
  }
  return step;
}

template <std::size_t kMax, typename Body>
KERNELS_INLINE void with_direct_step(std::size_t step, const Body& body) {
  const auto if_equal = [&](auto size) KERNELS_INLINE_LAMBDA {
    if constexpr (decltype(size)::kValue <= kMax) {
      if (step == decltype(size)::kValue) body(size);
    }
  };
  if_equal(Constant<1>{});
  if_equal(Constant<2>{});
  if_equal(Constant<4>{});
  if_equal(Constant<8>{});
  if_equal(Constant<12>{});
}

// One panel with all rows of an operation that has few: tile by tile, a step of rows at a time.
template <std::size_t kStep, typename Body>
KERNELS_INLINE void for_direct_steps(std::size_t n, const Body& body) {
  for (std::size_t tile = 0; tile < n; tile += kTileRows) {
    const std::size_t m = n - tile < kTileRows ? n - tile : kTileRows;
    for (std::size_t done = 0; done < m;) {
      const std::size_t step = direct_step<kStep>(m - done);
      with_direct_step<kStep>(step,
                              [&](auto rows) KERNELS_INLINE_LAMBDA { body(tile, m, done, rows); });
      done += step;
    }
  }
}

template <typename L, typename Format>
void quant_product(const ProductJob& job) {
  const PackedWeight& weight = *job.weight;
  if (L::kDirectRows == 0 || job.x->n > L::kDirectRows) {
    return block_product<L, Format>(weight, job.panel, job.panels, *job.x, job.first_row, job.count,
                                    job.sums);
  }
  if constexpr (L::kDirectRows > 0) {
    for (std::size_t p = 0; p < L::kBlockPanels && job.panel + p < job.panels; ++p) {
      const std::uint8_t* panel = weight.data + (job.panel + p) * weight.panel_bytes;
      for_direct_steps<L::kDirectStep>(
          job.x->n,
          [&](std::size_t tile, std::size_t m, std::size_t done, auto rows) KERNELS_INLINE_LAMBDA {
            const QuantBlock* x = job.x->quant + tile * (weight.cols / kBlock) + done;
            float* sums = job.sums + (tile + done) * kSumsStride<L> + p * kLanes;
            packed_tile<L, Format, decltype(rows)::kValue>(
                {&weight, panel, weight.data + job.panels * weight.panel_bytes, x, m, sums});
          });
    }
  }
}

template <typename L, typename Element>
void float_product(const ProductJob& job) {
  if (job.x->n > L::kFloatDirectRows) {
    return float_block_product<L, Element>(*job.weight, job.panel, job.panels, *job.x,
                                           job.first_row, job.count, job.sums);
  }
  for (std::size_t p = 0; p < L::kBlockPanels && job.panel + p < job.panels; ++p) {
    for_direct_steps<L::kFloatDirectStep>(
        job.x->n,
        [&](std::size_t tile, std::size_t m, std::size_t done, auto rows) KERNELS_INLINE_LAMBDA {
          const float* x = job.x->floats + tile * job.weight->cols + done;
          float* sums = job.sums + (tile + done) * kSumsStride<L> + p * kLanes;
          packed_float_tile<L, Element, decltype(rows)::kValue>(*job.weight, job.panel + p,
                                                                job.panels, x, m, sums);
        });
  }
}

template <typename L>
void product(const ProductJob& job) {
  switch (job.weight->format) {
#define KERNELS_CASE(name, id, elements, bytes)                                    \
  case Format::k##name:                                                            \
    if constexpr (L::kDirectRows > 0) return float_product<L, name##Element>(job); \
    return;  // tile registers hold no floats: kernels_amx.cc
    KERNELS_FLOAT_FORMATS(KERNELS_CASE)
#undef KERNELS_CASE
#define KERNELS_CASE(name, id, elements, bytes) \
  case Format::k##name:                         \
    return quant_product<L, formats::name>(job);
    KERNELS_BLOCK_FORMATS(KERNELS_CASE)
#undef KERNELS_CASE
  }
}

// Writes the results of one panel for one row; `count` of its lanes are rows of the weight.
template <typename L>
KERNELS_INLINE void finish_lanes(const LinearJob& job, const float* sums, const float* up_sums,
                                 std::size_t row, std::size_t first_lane, std::size_t count) {
  float* out = job.out + row * job.out_stride + first_lane;
  auto sum = L::load(sums);
  if (job.epilogue == Epilogue::kGated) sum = L::mul(silu<L>(sum), L::load(up_sums));
  if (job.bias != nullptr) sum = L::add(sum, L::load_part(job.bias + first_lane, count));
  if (job.epilogue == Epilogue::kAdd) sum = L::add(L::load_part(out, count), sum);
  L::store_part(out, sum, count);
}

template <typename L>
KERNELS_INLINE void finish(const LinearJob& job, const ProductJob& done, std::size_t panels,
                           const float* up_sums) {
  for (std::size_t i = 0; i < done.count; ++i) {
    for (std::size_t p = 0; p < panels; ++p) {
      const std::size_t lane = (done.panel + p) * kLanes;
      const std::size_t count = job.weight->rows - lane < kLanes ? job.weight->rows - lane : kLanes;
      const std::size_t at = i * kSumsStride<L> + p * kLanes;
      finish_lanes<L>(job, done.sums + at, up_sums + at, done.first_row + i, lane, count);
    }
  }
}

// Rows to take together: whole tiles, even shares, and no more than stay in the second-level cache
// while panel after panel goes over them.
KERNELS_INLINE std::size_t rows_together(std::size_t n, std::size_t row_bytes) {
  constexpr std::size_t kCacheBytes = std::size_t{1} << 20U;
  const std::size_t fitting = kCacheBytes / (row_bytes + 1) / kTileRows * kTileRows;
  const std::size_t most = fitting < 4 * kTileRows   ? 4 * kTileRows
                           : fitting > kRowsTogether ? kRowsTogether
                                                     : fitting;
  const std::size_t shares = (n + most - 1) / most;
  return ((n + shares - 1) / shares + kTileRows - 1) / kTileRows * kTileRows;
}

// Of one column of one row.
KERNELS_INLINE std::size_t activation_bytes(const PackedWeight& weight) {
  return is_float(weight.format) ? sizeof(float) : sizeof(QuantBlock) / kBlock;
}

template <typename L>
void linear(const LinearJob& job, const Activations& x, std::size_t first, std::size_t last) {
  alignas(64) KERNELS_SCRATCH float sums[kRowsTogether * kSumsStride<L>];
  alignas(64) KERNELS_SCRATCH float up_sums[kRowsTogether * kSumsStride<L>];
  // The beginning, which no panel before it has asked for.
  ask_for(job.weight->data + first * job.weight->panel_bytes, kReadAhead);
  const std::size_t step = rows_together(x.n, x.cols * activation_bytes(*job.weight));
  for (std::size_t row = 0; row < x.n; row += step) {
    const std::size_t count = x.n - row < step ? x.n - row : step;
    for (std::size_t panel = first; panel < last; panel += L::kBlockPanels) {
      const ProductJob product_job{job.weight, panel, last, &x, row, count, sums};
      product<L>(product_job);
      if (job.epilogue == Epilogue::kGated)
        product<L>({job.up, panel, last, &x, row, count, up_sums});
      finish<L>(job, product_job, last - panel < L::kBlockPanels ? last - panel : L::kBlockPanels,
                up_sums);
    }
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LINEAR_H_
