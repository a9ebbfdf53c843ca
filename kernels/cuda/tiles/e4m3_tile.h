// Tiles of e4m3 (OCP 8-bit floating point, 2023) with a float per row: element = scale * code. The
// code is exact in bf16 and is what the tensor core multiplies; the scale is applied to the sum.
//
// A record is 64 columns, 4,096 bytes: [two steps 2][thread 128] 16 bytes, as fragment_place.h has
// codes of 8 bits. The scales lie behind the last tile.
#ifndef KERNELS_CUDA_TILES_E4M3_TILE_H_
#define KERNELS_CUDA_TILES_E4M3_TILE_H_

#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

struct E4m3Tile {
  static constexpr TileFormat kFormat = TileFormat::kE4m3;
  static constexpr std::uint32_t kRecordCols = 64;
  static constexpr std::uint32_t kRecordBytes = 4096;
  static constexpr std::uint32_t kChunkRecords = 2;
  static constexpr unsigned kParts = 1;
  static constexpr float kLargest = 448;

  struct Codes {
    FourWords steps[2];
  };

  static KERNELS_DEVICE void load(Codes& to, const unsigned char* record, unsigned /*quad*/,
                                  unsigned thread) {
    to.steps[0] = load_as<FourWords>(record + thread * 16);
    to.steps[1] = load_as<FourWords>(record + (128 + thread) * 16);
  }

  // Exponent and fraction in a bf16's place are the number times 2^-120, subnormals included.
  static KERNELS_DEVICE void fragment(const Codes& codes, unsigned step, unsigned /*part*/,
                                      std::uint32_t (&a)[4]) {
    constexpr std::uint32_t kMagnitude = bf16_twice(0x07f0U);
    constexpr std::uint32_t kSign = bf16_twice(0x8000U);
    constexpr std::uint32_t kTwoTo120 = bf16_twice(0x7b80U);
    KERNELS_UNROLL
    for (unsigned r = 0; r < 4; ++r) {
      const std::uint32_t word = codes.steps[step / 2].word[step % 2 * 2 + r / 2];
      const std::uint32_t bits = r % 2 == 0 ? ((word << 4U) & kMagnitude) | ((word << 8U) & kSign)
                                            : ((word >> 4U) & kMagnitude) | (word & kSign);
      a[r] = multiply_bf16_pairs(bits, kTwoTo120);
    }
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_E4M3_TILE_H_
