// Panels of a weight times all activation rows: tiles of
// rows cut to the sizes kernels exist for, and epilogues.
#ifndef KERNELS_CPU_LINEAR_H_
#define KERNELS_CPU_LINEAR_H_

#include "kernels/cpu/linear_tile.h"
#include "kernels/cpu/vector_math.h"

namespace kernels::cpu {
namespace {

constexpr std::size_t kSteps[] = {1, 2, 3, 4, 6, 8, 12};  // rows of one kernel call

KERNELS_INLINE bool is_float(Format format) {
  return format == Format::kF32 || format == Format::kF16 || format == Format::kBF16;
}

template <typename L, std::size_t kRows>
KERNELS_INLINE void run_tile(const TileJob& job) {
  switch (job.weight->format) {
    case Format::kF32:
      return float_tile<L, kRows, F32Element>(job);
    case Format::kF16:
      return float_tile<L, kRows, F16Element>(job);
    case Format::kBF16:
      return float_tile<L, kRows, BF16Element>(job);
    case Format::kQ4_0:
      return q4_0_tile<L, kRows>(job);
    case Format::kQ8_0:
      return q8_0_tile<L, kRows>(job);
    case Format::kQ4_K:
      return k_mins_tile<L, kRows, false>(job);
    case Format::kQ5_K:
      return k_mins_tile<L, kRows, true>(job);
    case Format::kQ6_K:
      return q6_k_tile<L, kRows>(job);
  }
}

template <typename L, std::size_t kRows>
KERNELS_INLINE bool run_if(std::size_t rows, const TileJob& job) {
  if constexpr (kRows <= L::kQuantStep || kRows <= L::kFloatStep) {
    if (rows == kRows) {
      run_tile<L, kRows>(job);
      return true;
    }
  }
  return false;
}

// One panel times the m rows of a tile, into sums [m, 16], in steps of rows that kernels exist for.
template <typename L>
void panel_product(const PackedWeight& weight, std::size_t panel, const Activations& x,
                   std::size_t first_row, std::size_t m, float* sums) {
  TileJob job{&weight,
              weight.data + panel * weight.panel_bytes,
              x.quant + first_row * (x.cols / kBlock),
              x.floats + first_row * x.cols,
              m,
              sums};
  const std::size_t step_max = is_float(weight.format) ? L::kFloatStep : L::kQuantStep;
  for (std::size_t done = 0; done < m;) {
    std::size_t rows = 1;
    for (const std::size_t step : kSteps) {
      if (step <= step_max && step <= m - done) rows = step;
    }
    (void)(run_if<L, 12>(rows, job) || run_if<L, 8>(rows, job) || run_if<L, 6>(rows, job) ||
           run_if<L, 4>(rows, job) || run_if<L, 3>(rows, job) || run_if<L, 2>(rows, job) ||
           run_if<L, 1>(rows, job));
    done += rows;
    job.x += rows;
    job.floats += rows;
    job.sums += rows * kLanes;
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

// The results of one panel for the m rows from `row` on.
template <typename L>
KERNELS_INLINE void finish_tile(const LinearJob& job, const float* sums, const float* up_sums,
                                std::size_t row, std::size_t m, std::size_t panel) {
  const std::size_t lane = panel * kLanes;
  const std::size_t count = job.weight->rows - lane < kLanes ? job.weight->rows - lane : kLanes;
  for (std::size_t i = 0; i < m; ++i) {
    finish_lanes<L>(job, sums + i * kLanes, up_sums + i * kLanes, row + i, lane, count);
  }
}

template <typename L>
void linear(const LinearJob& job, const Activations& x, std::size_t first, std::size_t last) {
  alignas(64) float sums[kTileRows * kLanes];
  alignas(64) float up_sums[kTileRows * kLanes];
  for (std::size_t row = 0; row < x.n; row += kTileRows) {
    const std::size_t m = x.n - row < kTileRows ? x.n - row : kTileRows;
    for (std::size_t panel = first; panel < last; ++panel) {
      panel_product<L>(*job.weight, panel, x, row, m, sums);
      if (job.epilogue == Epilogue::kGated) panel_product<L>(*job.up, panel, x, row, m, up_sums);
      finish_tile<L>(job, sums, up_sums, row, m, panel);
    }
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LINEAR_H_
