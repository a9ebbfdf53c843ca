// Tiles of F16 and F32 weights: every element is the sum of two bf16, high = bf16(w) and rest =
// bf16(w - high). Exact for binary16; of a float 16 bits of significand are kept, |error| <= 2^-17
// |w|. An infinite high part has a rest of zero.
//
// A record is 64 columns, 16,384 bytes: [step 4][part 2][thread 128] four words. High parts are
// multiplied first.
#ifndef KERNELS_CUDA_TILES_SPLIT_BF16_TILE_H_
#define KERNELS_CUDA_TILES_SPLIT_BF16_TILE_H_

#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

struct SplitBf16Tile {
  static constexpr TileFormat kFormat = TileFormat::kSplitBf16;
  static constexpr std::uint32_t kRecordCols = 64;
  static constexpr std::uint32_t kRecordBytes = 16384;
  static constexpr std::uint32_t kChunkRecords = 1;
  static constexpr unsigned kParts = 2;

  struct Codes {
    FourWords step[4][2];
  };

  static KERNELS_DEVICE void load(Codes& to, const unsigned char* record, unsigned /*quad*/,
                                  unsigned thread) {
    KERNELS_UNROLL
    for (unsigned i = 0; i < 8; ++i)
      to.step[i / 2][i % 2] = load_as<FourWords>(record + (i * 128 + thread) * 16);
  }
  static KERNELS_DEVICE void fragment(const Codes& codes, unsigned step, unsigned part,
                                      std::uint32_t (&a)[4]) {
    KERNELS_UNROLL
    for (unsigned r = 0; r < 4; ++r) a[r] = codes.step[step][part].word[r];
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_SPLIT_BF16_TILE_H_
