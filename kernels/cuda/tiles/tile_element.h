// One element of a packed record, through the very functions kernels make fragments with. For
// kernels that gather (embedding) and for tests.
#ifndef KERNELS_CUDA_TILES_TILE_ELEMENT_H_
#define KERNELS_CUDA_TILES_TILE_ELEMENT_H_

#include "kernels/cuda/tiles/fragment_place.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

// row 0 … 63 of the tile, col of the record; without the row's scale (kE4m3).
template <typename Tile>
KERNELS_DEVICE float record_element(const unsigned char* record, std::uint32_t row,
                                    std::uint32_t col) {
  const FragmentPlace at = fragment_place(row, col);
  typename Tile::Codes codes;
  Tile::load(codes, record, at.step / 4, at.thread);
  float sum = 0;
  // Constant indexes, so that nothing of this is in memory: one of the sixteen is the one.
  KERNELS_UNROLL
  for (unsigned step = 0; step < 4; ++step) {
    KERNELS_UNROLL
    for (unsigned part = 0; part < Tile::kParts; ++part) {
      std::uint32_t a[4];
      Tile::fragment(codes, step, part, a);
      KERNELS_UNROLL
      for (unsigned r = 0; r < 4; ++r)
        if (step == at.step % 4 && r == at.reg)
          sum += at.half == 0 ? low_bf16(a[r]) : high_bf16(a[r]);
    }
  }
  return sum;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_TILE_ELEMENT_H_
