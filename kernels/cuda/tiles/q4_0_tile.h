// Tiles of Q4_0: element = bf16(d * (code - 8)), d a binary16 for every 32 columns of a row, code 0
// … 15.
//
// A record is 64 columns, 2,304 bytes:
//   0     2,048  codes, [thread 128] a word for each of four steps, as fragment_place.h has codes
//   of 4 bits 2048  256    [row 64] d of the first and of the second 32 columns
#ifndef KERNELS_CUDA_TILES_Q4_0_TILE_H_
#define KERNELS_CUDA_TILES_Q4_0_TILE_H_

#include "kernels/cuda/tiles/fragment_place.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

struct Q4_0Tile {
  static constexpr TileFormat kFormat = TileFormat::kQ4_0;
  static constexpr std::uint32_t kRecordCols = 64;
  static constexpr std::uint32_t kRecordBytes = 2304;
  static constexpr std::uint32_t kChunkRecords = 4;
  static constexpr unsigned kParts = 1;
  static constexpr std::uint32_t kScales = 2048;

  struct Codes {
    FourWords steps;
    float d[2][2];  // [row][32 columns]
  };

  static KERNELS_DEVICE void load(Codes& to, const unsigned char* record, unsigned /*quad*/,
                                  unsigned thread) {
    to.steps = load_as<FourWords>(record + thread * 16);
    KERNELS_UNROLL
    for (unsigned r = 0; r < 2; ++r) {
      const auto d = load_as<std::uint32_t>(record + kScales + (fragment_row(thread) + 8 * r) * 4);
      to.d[r][0] = from_f16(static_cast<std::uint16_t>(d));
      to.d[r][1] = from_f16(static_cast<std::uint16_t>(d >> 16U));
    }
  }

  // (128 + code) d - 136 d, both exact: the fma gives d * (code - 8) itself.
  static KERNELS_DEVICE void fragment(const Codes& codes, unsigned step, unsigned /*part*/,
                                      std::uint32_t (&a)[4]) {
    KERNELS_UNROLL
    for (unsigned r = 0; r < 4; ++r) {
      const std::uint32_t pair = nibbles_plus_128(codes.steps.word[step], r);
      const float d = codes.d[r % 2][step / 2];
      const float offset = -136.0F * d;
      a[r] = pack_bf16(fma(low_bf16(pair), d, offset), fma(high_bf16(pair), d, offset));
    }
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_Q4_0_TILE_H_
