// Panels with many activation rows: run after run of columns is unpacked and multiplied with every
// row.
#ifndef KERNELS_CPU_BLOCK_PRODUCT_H_
#define KERNELS_CPU_BLOCK_PRODUCT_H_

#include "kernels/cpu/block_tile.h"
#include "kernels/cpu/tile_register_block.h"

namespace kernels::cpu {
namespace {

// Rows first_row … first_row + count - 1 of x, which begin a tile, times the panels from `panel` on
// (below `panels`: where fewer are left, the last stands in for those missing). sums: [count] rows.
template <typename L, typename Format>
void block_product(const PackedWeight& weight, std::size_t panel, std::size_t panels,
                   const Activations& x, std::size_t first_row, std::size_t count, float* sums) {
  using Kind = KindOf<L, Format>;
  constexpr std::size_t kStep = kInTileRegisters<L, Kind> ? kTileRows
                                : Kind::kHalves == 1      ? L::kBlockRows
                                                          : L::kHalfBlockRows;
  KERNELS_SCRATCH UnpackedBlock<L, Kind> unpacked[kRunBlocks];
  PanelCursor<L, Format> cursor[2] = {{weight, panel},
                                      {weight, panel + 1 < panels ? panel + 1 : panel}};
  static_assert(L::kBlockPanels <= 2);
  __builtin_memset(sums, 0, count * kSumsStride<L> * sizeof(float));
  const std::size_t all = weight.cols / kBlock;
  const std::size_t run_bytes = kRunBlocks * weight.panel_bytes / all;
  const std::size_t steps = kRunBlocks * ((count + kStep - 1) / kStep);
  RunAhead<L::kBlockPanels> ahead = {{cursor[0].low + run_bytes, cursor[1].low + run_bytes},
                                     run_bytes / steps + 1};
  if constexpr (kInTileRegisters<L, Kind>) L::begin_tiles();
  for (std::size_t first = 0; first < all; first += kRunBlocks) {
    const std::size_t blocks = all - first < kRunBlocks ? all - first : kRunBlocks;
    for (std::size_t p = 0; p < L::kBlockPanels; ++p)
      unpack<L, Format>(&cursor[p], p, blocks, unpacked);
    for (std::size_t row = 0; row < count; row += kTileRows) {
      const std::size_t tile = first_row + row;
      const std::size_t m = x.n - tile < kTileRows ? x.n - tile : kTileRows;
      if constexpr (kInTileRegisters<L, Kind>) {
        tile_register_block<L, Kind>(unpacked, blocks, x.quant + tile * all + first * m, m,
                                     sums + row * kSumsStride<L>, &ahead);
        continue;
      }
      for (std::size_t done = 0; done < m;) {
        const std::size_t step = even_step(m - done, kStep);
        const QuantBlock* rows = x.quant + tile * all + first * m + done;
        float* to = sums + (row + done) * kSumsStride<L>;
        with_constant<kStep>(step, [&](auto together) KERNELS_INLINE_LAMBDA {
          block_tile<L, Kind, decltype(together)::kValue>(unpacked, blocks, rows, m, to, &ahead);
        });
        done += step;
      }
    }
  }
  if constexpr (kInTileRegisters<L, Kind>) L::end_tiles();
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_BLOCK_PRODUCT_H_
