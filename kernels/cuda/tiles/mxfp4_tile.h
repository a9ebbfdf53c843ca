// Tiles of MXFP4: element = 2^(e - 128) * (twice the E2M1 number of the code), e a byte for every
// 32 columns of a row. Exact in bf16, but for what overflows a float as well.
//
// A record is 64 columns, 2,176 bytes:
//   0     2,048  codes, [thread 128] a word for each of four steps, as fragment_place.h has codes
//   of 4 bits 2048  128    [row 64] e of the first and of the second 32 columns
#ifndef KERNELS_CUDA_TILES_MXFP4_TILE_H_
#define KERNELS_CUDA_TILES_MXFP4_TILE_H_

#include "kernels/cuda/tiles/fragment_place.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

struct Mxfp4Tile {
  static constexpr TileFormat kFormat = TileFormat::kMxfp4;
  static constexpr std::uint32_t kRecordCols = 64;
  static constexpr std::uint32_t kRecordBytes = 2176;
  static constexpr std::uint32_t kChunkRecords = 4;
  static constexpr unsigned kParts = 1;
  static constexpr std::uint32_t kScales = 2048;

  struct Codes {
    FourWords steps;
    std::uint32_t scale[2][2];  // [row][32 columns], a bf16 twice
  };

  // 2^(e - 128) in bf16; the two smallest are subnormal.
  static KERNELS_DEVICE std::uint32_t scale_of(std::uint32_t e) {
    return bf16_twice(e < 2 ? 0x20U << e : (e - 1) << 7U);
  }

  static KERNELS_DEVICE void load(Codes& to, const unsigned char* record, unsigned /*quad*/,
                                  unsigned thread) {
    to.steps = load_as<FourWords>(record + thread * 16);
    KERNELS_UNROLL
    for (unsigned r = 0; r < 2; ++r) {
      const std::uint32_t e =
          load_as<std::uint16_t>(record + kScales + (fragment_row(thread) + 8 * r) * 2);
      to.scale[r][0] = scale_of(e & 0xffU);
      to.scale[r][1] = scale_of(e >> 8U);
    }
  }

  // Exponent and fraction in a bf16's place are twice the E2M1 number times 2^-127, its subnormal
  // included.
  static KERNELS_DEVICE void fragment(const Codes& codes, unsigned step, unsigned /*part*/,
                                      std::uint32_t (&a)[4]) {
    constexpr std::uint32_t kMagnitude = bf16_twice(0x01c0U);
    constexpr std::uint32_t kSign = bf16_twice(0x8000U);
    constexpr std::uint32_t kTwoTo127 = bf16_twice(0x7f00U);
    const std::uint32_t word = codes.steps.word[step];
    KERNELS_UNROLL
    for (unsigned r = 0; r < 4; ++r) {
      const std::uint32_t magnitude = r < 2 ? word << (6 - 4 * r) : word >> (4 * r - 6);
      const std::uint32_t bits = (magnitude & kMagnitude) | ((word << (12 - 4 * r)) & kSign);
      a[r] =
          multiply_bf16_pairs(multiply_bf16_pairs(bits, kTwoTo127), codes.scale[r % 2][step / 2]);
    }
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_MXFP4_TILE_H_
