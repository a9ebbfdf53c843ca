// The products of unpacked panels with many activation rows, the case of prefill and of batches: a
// run of columns of a few panels is taken apart once, into the first-level cache, and multiplied
// with every row.
//
// The steps of one output are those of packed_tile.h. Between two runs of columns its sum rests in
// memory.
#ifndef KERNELS_CPU_BLOCK_TILE_H_
#define KERNELS_CPU_BLOCK_TILE_H_

#include "kernels/cpu/panel_codes.h"
#include "kernels/cpu/read_ahead.h"
#include "kernels/cpu/scale_lanes.h"
#include "kernels/cpu/sums.h"

namespace kernels::cpu {
namespace {

constexpr std::size_t kRunBlocks =
    16;  // blocks of 32 columns unpacked together: a multiple of kSubBlocks

// What the arithmetic of a format depends on once its codes are bytes and its scales floats.
template <bool kSignedV, unsigned kCodeMaxV, int kZeroV, std::size_t kHalvesV, bool kMinsV>
struct ProductKind {
  static constexpr bool kSigned = kSignedV;
  static constexpr unsigned kCodeMax = kCodeMaxV;
  static constexpr int kZero = kZeroV;
  static constexpr std::size_t kHalves = kHalvesV;
  static constexpr bool kMins = kMinsV;
};
template <typename L, typename Format>
using KindOf = ProductKind<kSignedCodes<Format>, L::kSaturates ? kCodeMax<Format> : 255,
                           Format::kZero, kHalves<Format::kScales>, kHasMins<Format::kScales>>;

// Multiplied in tile registers (tile_register_block.h), where the processor has them.
template <typename L, typename Kind>
constexpr bool kInTileRegisters = L::kHasTiles&& Kind::kHalves == 1;

template <typename L, typename Kind>
struct alignas(64) UnpackedBlock {
  std::uint8_t codes[8][L::kBlockPanels][64];  // in the form of L::Dot, or less their zero
  float scale[Kind::kHalves][L::kBlockPanels][kLanes];
  float min[Kind::kMins ? Kind::kHalves : 1][L::kBlockPanels][kLanes];
};

// Where unpacking of one panel stands.
template <typename L, typename Format>
struct PanelCursor {
  const std::uint8_t* low;
  const std::uint8_t* upper;
  ScaleWalk<L, Format::kScales> scales;

  KERNELS_INLINE PanelCursor(const PackedWeight& weight, std::size_t panel)
      : low(weight.data + panel * weight.panel_bytes),
        upper(low + weight.upper_offset),
        scales(low + weight.scale_offset) {}
};

template <typename L, typename Format>
KERNELS_INLINE void unpack(PanelCursor<L, Format>* from, std::size_t panel, std::size_t blocks,
                           UnpackedBlock<L, KindOf<L, Format>>* to) {
  const PanelCodes<L, Format> codes;
  auto& scales = from->scales;
  for (std::size_t b = 0; b < blocks;) {
    scales.begin_super();
    for (std::size_t sub = 0; sub < kSubBlocks<Format::kScales>; ++sub, ++b) {
      scales.next();
      unroll<8>([&](auto i) KERNELS_INLINE_LAMBDA {
        constexpr std::size_t kGroup = group_in_order<Format>(decltype(i)::kValue);
        const auto group = codes.template group<kGroup>(from->low, from->upper);
        if constexpr (kInTileRegisters<L, KindOf<L, Format>>) {
          L::store_bytes(to[b].codes[kGroup][panel], L::template less_zero<Format::kZero>(group));
        } else {
          L::store_bytes(to[b].codes[kGroup][panel],
                         L::template for_products<kSignedCodes<Format>>(group));
        }
      });
      unroll<kHalves<Format::kScales>>([&](auto half) KERNELS_INLINE_LAMBDA {
        L::store(to[b].scale[half][panel], scales.scale[half]);
        if constexpr (kHasMins<Format::kScales>) L::store(to[b].min[half][panel], scales.min[half]);
      });
      from->low += kLowBytes<Format>;
      from->upper += kUpperBytes<Format>;
    }
  }
}

template <typename L, typename Kind, std::size_t kRows, std::size_t kFirst, std::size_t kLast,
          typename Dot>
KERNELS_INLINE void add_unpacked(const UnpackedBlock<L, Kind>& w, const QuantBlock* x, Dot* dot) {
  unroll<kLast - kFirst>([&](auto g) KERNELS_INLINE_LAMBDA {
    constexpr std::size_t kGroup = kFirst + decltype(g)::kValue;
    typename L::Bytes codes[L::kBlockPanels];
    unroll<L::kBlockPanels>(
        [&](auto p) KERNELS_INLINE_LAMBDA { codes[p] = L::load_bytes(w.codes[kGroup][p]); });
    dot->template add<kGroup>(codes, x);
  });
  dot->widen();
}

// Adds the products of `blocks` blocks to the sums of kRows rows. x as in PackedTile.
template <typename L, typename Kind, std::size_t kRows>
void block_tile(const UnpackedBlock<L, Kind>* w, std::size_t blocks, const QuantBlock* x,
                std::size_t m, float* sums, RunAhead<L::kBlockPanels>* next) {
  RunAhead<L::kBlockPanels> ahead = *next;
  constexpr std::size_t kPanels = L::kBlockPanels;
  using Dot = typename L::template Dot<kPanels, kRows, Kind::kSigned, Kind::kCodeMax>;
  typename L::F acc[kPanels][kRows];
  const auto each = [](const auto& body) KERNELS_INLINE_LAMBDA {
    unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
      unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA { body(p, i); });
    });
  };
  each([&](auto p, auto i)
           KERNELS_INLINE_LAMBDA { acc[p][i] = L::load(sums + i * kSumsStride<L> + p * kLanes); });
  for (; blocks > 0; --blocks, ++w, x += m) {
    ahead.advance();
    Dot dot;
    if constexpr (Kind::kHalves == 1) {
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        dot.start(i, start_of_block<L, Kind::kSigned, Kind::kZero>(x[i]));
      });
      add_unpacked<L, Kind, kRows, 0, 8>(*w, x, &dot);
      each([&](auto p, auto i) KERNELS_INLINE_LAMBDA {
        const auto scale = L::mul(L::load(w->scale[0][p]), L::broadcast(x[i].scale));
        acc[p][i] = L::fma(L::to_float(dot.acc[p][i]), scale, acc[p][i]);
        if constexpr (Kind::kMins)
          acc[p][i] = L::fma(L::load(w->min[0][p]), L::broadcast(x[i].minus_sum), acc[p][i]);
      });
    } else {
      typename L::F both[kPanels][kRows];
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        dot.start(i, start_of_half<L, Kind::kZero>(x[i], 0));
      });
      add_unpacked<L, Kind, kRows, 0, 4>(*w, x, &dot);
      each([&](auto p, auto i) KERNELS_INLINE_LAMBDA {
        both[p][i] = L::mul(L::to_float(dot.acc[p][i]), L::load(w->scale[0][p]));
      });
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        dot.start(i, start_of_half<L, Kind::kZero>(x[i], 1));
      });
      add_unpacked<L, Kind, kRows, 4, 8>(*w, x, &dot);
      each([&](auto p, auto i) KERNELS_INLINE_LAMBDA {
        both[p][i] = L::fma(L::to_float(dot.acc[p][i]), L::load(w->scale[1][p]), both[p][i]);
        acc[p][i] = L::fma(both[p][i], L::broadcast(x[i].scale), acc[p][i]);
        if constexpr (Kind::kMins) {
          acc[p][i] = L::fma(L::load(w->min[0][p]), L::broadcast(x[i].minus_sums[0]), acc[p][i]);
          acc[p][i] = L::fma(L::load(w->min[1][p]), L::broadcast(x[i].minus_sums[1]), acc[p][i]);
        }
      });
    }
  }
  each([&](auto p, auto i)
           KERNELS_INLINE_LAMBDA { L::store(sums + i * kSumsStride<L> + p * kLanes, acc[p][i]); });
  *next = ahead;
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_BLOCK_TILE_H_
