// Tiles of bf16: exact.
//
// A record is 64 columns, 8,192 bytes: [step 4][thread 128] four words, the fragment itself.
#ifndef KERNELS_CUDA_TILES_BF16_TILE_H_
#define KERNELS_CUDA_TILES_BF16_TILE_H_

#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

struct Bf16Tile {
  static constexpr TileFormat kFormat = TileFormat::kBf16;
  static constexpr std::uint32_t kRecordCols = 64;
  static constexpr std::uint32_t kRecordBytes = 8192;
  static constexpr std::uint32_t kChunkRecords = 1;  // what kernels fetch at a time: 8 to 16 KiB
  static constexpr unsigned kParts = 1;  // products of a step: the element is a sum of so many bf16

  // A thread's codes of a quad, which is 64 columns (four steps), and what makes numbers of them.
  struct Codes {
    FourWords step[4];
  };

  static KERNELS_DEVICE void load(Codes& to, const unsigned char* record, unsigned /*quad*/,
                                  unsigned thread) {
    KERNELS_UNROLL
    for (unsigned step = 0; step < 4; ++step)
      to.step[step] = load_as<FourWords>(record + (step * 128 + thread) * 16);
  }
  static KERNELS_DEVICE void fragment(const Codes& codes, unsigned step, unsigned /*part*/,
                                      std::uint32_t (&a)[4]) {
    KERNELS_UNROLL
    for (unsigned r = 0; r < 4; ++r) a[r] = codes.step[step].word[r];
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_BF16_TILE_H_
