// The products of one packed panel with a few activation rows, the case of decoding: codes are
// unpacked in registers and used at once, because memory is what is waited for.
//
// Lane l is output row l, so nothing is ever summed across lanes, and the steps of one output are
// the same whether its activation row is alone or one of many (block_tile.h takes the same steps):
// per block of 32 columns an exact integer sum S, in ascending order
//   acc = fma(float(S), scale * x.scale, acc)
//   acc = fma(min, -(x.scale * x.sum), acc)                                    where the format has
//   mins
// and where groups have 16 elements, with two sums
//   acc = fma(fma(float(S1), scale 1, float(S0) * scale 0), x.scale, acc)
#ifndef KERNELS_CPU_PACKED_TILE_H_
#define KERNELS_CPU_PACKED_TILE_H_

#include "kernels/cpu/panel_codes.h"
#include "kernels/cpu/read_ahead.h"
#include "kernels/cpu/scale_lanes.h"
#include "kernels/cpu/sums.h"

namespace kernels::cpu {
namespace {

// x: block 0 of the first row; block b of row i is x[b * m + i].
struct PackedTile {
  const PackedWeight* weight;
  const std::uint8_t* panel;
  const std::uint8_t* end;  // of the task's panels
  const QuantBlock* x;
  std::size_t m;
  float* sums;
};

// The products of groups kFirst … kLast - 1, in the order in which they stand in vectors.
template <typename L, typename Format, std::size_t kFirst, std::size_t kLast, typename Dot>
KERNELS_INLINE void add_groups(const PanelCodes<L, Format>& codes, const std::uint8_t* low,
                               const std::uint8_t* upper, const QuantBlock* x, Dot* dot) {
  unroll<8>([&](auto i) KERNELS_INLINE_LAMBDA {
    constexpr std::size_t kGroup = group_in_order<Format>(decltype(i)::kValue);
    if constexpr (kGroup >= kFirst && kGroup < kLast) {
      const typename L::Bytes group[1] = {
          L::template for_products<kSignedCodes<Format>>(codes.template group<kGroup>(low, upper))};
      dot->template add<kGroup>(group, x);
    }
  });
  dot->widen();
}

template <typename L, typename Format, std::size_t kRows>
void packed_tile(const PackedTile& job) {
  constexpr ScaleKind kKind = Format::kScales;
  using Dot = typename L::template Dot<1, kRows, kSignedCodes<Format>, kCodeMax<Format>>;
  const PanelCodes<L, Format> codes;
  ScaleWalk<L, kKind> scales(job.panel + job.weight->scale_offset);
  const std::uint8_t* low = job.panel;
  const std::uint8_t* upper = job.panel + job.weight->upper_offset;
  const QuantBlock* x = job.x;
  ReadAhead ahead{job.panel + kReadAhead, job.end};
  const std::size_t block_bytes = job.weight->panel_bytes / (job.weight->cols / kBlock);
  typename L::F acc[kRows];
  unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { acc[i] = L::zero(); });
  for (std::size_t super = job.weight->cols / (32 * kSubBlocks<kKind>); super > 0; --super) {
    scales.begin_super();
    for (std::size_t sub = 0; sub < kSubBlocks<kKind>; ++sub) {
      scales.next();
      Dot dot;
      if constexpr (kHalves<kKind> == 1) {
        unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
          dot.start(i, start_of_block<L, kSignedCodes<Format>, Format::kZero>(x[i]));
        });
        add_groups<L, Format, 0, 8>(codes, low, upper, x, &dot);
        unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
          const auto scale = L::mul(scales.scale[0], L::broadcast(x[i].scale));
          acc[i] = L::fma(L::to_float(dot.acc[0][i]), scale, acc[i]);
          if constexpr (kHasMins<kKind>)
            acc[i] = L::fma(scales.min[0], L::broadcast(x[i].minus_sum), acc[i]);
        });
      } else {
        typename L::F both[kRows];
        unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
          dot.start(i, start_of_half<L, Format::kZero>(x[i], 0));
        });
        add_groups<L, Format, 0, 4>(codes, low, upper, x, &dot);
        unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
          both[i] = L::mul(L::to_float(dot.acc[0][i]), scales.scale[0]);
          dot.start(i, start_of_half<L, Format::kZero>(x[i], 1));
        });
        add_groups<L, Format, 4, 8>(codes, low, upper, x, &dot);
        unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
          both[i] = L::fma(L::to_float(dot.acc[0][i]), scales.scale[1], both[i]);
          acc[i] = L::fma(both[i], L::broadcast(x[i].scale), acc[i]);
          if constexpr (kHasMins<kKind>) {
            acc[i] = L::fma(scales.min[0], L::broadcast(x[i].minus_sums[0]), acc[i]);
            acc[i] = L::fma(scales.min[1], L::broadcast(x[i].minus_sums[1]), acc[i]);
          }
        });
      }
      ahead.advance(block_bytes);
      low += kLowBytes<Format>;
      upper += kUpperBytes<Format>;
      x += job.m;
    }
  }
  unroll<kRows>([&](auto i)
                    KERNELS_INLINE_LAMBDA { L::store(job.sums + i * kSumsStride<L>, acc[i]); });
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_PACKED_TILE_H_
