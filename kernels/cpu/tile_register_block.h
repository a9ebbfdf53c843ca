// block_tile.h for processors with tile registers: the integer sums of twelve rows with two panels
// come from two instructions and pass through memory; the float steps are the same. While one
// block's sums are scaled, the next block is multiplied.
#ifndef KERNELS_CPU_TILE_REGISTER_BLOCK_H_
#define KERNELS_CPU_TILE_REGISTER_BLOCK_H_

#include "kernels/cpu/block_tile.h"

namespace kernels::cpu {
namespace {

// Adds the products of `blocks` blocks to the sums of the m rows of a tile. Rows beyond m are
// multiplied as well, with whatever lies there, and left.
template <typename L, typename Kind>
void tile_register_block(const UnpackedBlock<L, Kind>* w, std::size_t blocks, const QuantBlock* x,
                         std::size_t m, float* sums, RunAhead<L::kBlockPanels>* next) {
  static_assert(L::kBlockPanels == 2 && Kind::kHalves == 1);
  RunAhead<L::kBlockPanels> ahead = *next;
  alignas(64) KERNELS_SCRATCH std::int32_t products[2][2][kTileRows][kLanes];
  typename L::F acc[2][kTileRows];
  const auto each = [](const auto& body) KERNELS_INLINE_LAMBDA {
    unroll<kTileRows>([&](auto i) KERNELS_INLINE_LAMBDA {
      unroll<2>([&](auto p) KERNELS_INLINE_LAMBDA { body(p, i); });
    });
  };
  each([&](auto p, auto i) KERNELS_INLINE_LAMBDA {
    acc[p][i] = i < m ? L::load(sums + i * kSumsStride<L> + p * kLanes) : L::zero();
  });
  const auto multiply = [&](std::size_t b, auto parity) KERNELS_INLINE_LAMBDA {
    if (b >= blocks) return;
    ahead.advance();
    L::template multiply<decltype(parity)::kValue>(w[b].codes, x + b * m);
  };
  const auto store = [&](std::size_t b, auto parity) KERNELS_INLINE_LAMBDA {
    if (b < blocks) L::template store_products<decltype(parity)::kValue>(products[parity]);
  };
  const auto add = [&](std::size_t b, auto parity) KERNELS_INLINE_LAMBDA {
    const QuantBlock* rows = x + b * m;
    each([&](auto p, auto i) KERNELS_INLINE_LAMBDA {
      const auto sum = L::to_float(L::load_ints(products[parity][p][i]));
      acc[p][i] =
          L::fma(sum, L::mul(L::load(w[b].scale[0][p]), L::broadcast(rows[i].scale)), acc[p][i]);
      if constexpr (Kind::kMins)
        acc[p][i] = L::fma(L::load(w[b].min[0][p]), L::broadcast(rows[i].minus_sum), acc[p][i]);
    });
  };
  multiply(0, Constant<0>{});
  store(0, Constant<0>{});
  for (std::size_t b = 0; b < blocks; b += 2) {
    multiply(b + 1, Constant<1>{});
    add(b, Constant<0>{});
    store(b + 1, Constant<1>{});
    if (b + 1 == blocks) break;
    multiply(b + 2, Constant<0>{});
    add(b + 1, Constant<1>{});
    store(b + 2, Constant<0>{});
  }
  each([&](auto p, auto i) KERNELS_INLINE_LAMBDA {
    if (i < m) L::store(sums + i * kSumsStride<L> + p * kLanes, acc[p][i]);
  });
  *next = ahead;
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_TILE_REGISTER_BLOCK_H_
