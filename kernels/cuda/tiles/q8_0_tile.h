// Tiles of Q8_0: element = bf16(d * code), d a binary16 for every 32 columns of a row, code -128 …
// 127.
//
// A record is 64 columns, 4,352 bytes:
//   0     4,096  codes + 128, [two steps 2][thread 128] 16 bytes, as fragment_place.h has codes of
//   8 bits 4096  256    [row 64] d of the first and of the second 32 columns
#ifndef KERNELS_CUDA_TILES_Q8_0_TILE_H_
#define KERNELS_CUDA_TILES_Q8_0_TILE_H_

#include "kernels/cuda/tiles/fragment_place.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

struct Q8_0Tile {
  static constexpr TileFormat kFormat = TileFormat::kQ8_0;
  static constexpr std::uint32_t kRecordCols = 64;
  static constexpr std::uint32_t kRecordBytes = 4352;
  static constexpr std::uint32_t kChunkRecords = 2;
  static constexpr unsigned kParts = 1;
  static constexpr std::uint32_t kScales = 4096;

  struct Codes {
    FourWords steps[2];
    float d[2][2];  // [row][32 columns]
  };

  static KERNELS_DEVICE void load(Codes& to, const unsigned char* record, unsigned /*quad*/,
                                  unsigned thread) {
    to.steps[0] = load_as<FourWords>(record + thread * 16);
    to.steps[1] = load_as<FourWords>(record + (128 + thread) * 16);
    KERNELS_UNROLL
    for (unsigned r = 0; r < 2; ++r) {
      const auto d = load_as<std::uint32_t>(record + kScales + (fragment_row(thread) + 8 * r) * 4);
      to.d[r][0] = from_f16(static_cast<std::uint16_t>(d));
      to.d[r][1] = from_f16(static_cast<std::uint16_t>(d >> 16U));
    }
  }

  // A code in a float's second byte is 2^15 + code + 128. Times d, less (2^15 + 128) d, which is
  // exact (9 bits by 11): the fma gives d * code itself.
  static KERNELS_DEVICE void fragment(const Codes& codes, unsigned step, unsigned /*part*/,
                                      std::uint32_t (&a)[4]) {
    KERNELS_UNROLL
    for (unsigned r = 0; r < 4; ++r) {
      const std::uint32_t word = codes.steps[step / 2].word[step % 2 * 2 + r / 2];
      const std::uint32_t low = r % 2 == 0 ? word << 8U : word;
      const std::uint32_t high = r % 2 == 0 ? word >> 8U : word >> 16U;
      const float d = codes.d[r % 2][step / 2];
      const float offset = -32896.0F * d;
      a[r] = pack_bf16(fma(float_of_bits((low & 0xff00U) | 0x47000000U), d, offset),
                       fma(float_of_bits((high & 0xff00U) | 0x47000000U), d, offset));
    }
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_Q8_0_TILE_H_
