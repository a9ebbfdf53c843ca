// Tiles of Q4_K: element = bf16(d * scale * code - dmin * min); d and dmin binary16 for every 256
// columns of a row, scale and min 0 … 63 for every 32, code 0 … 15.
//
// A record is 256 columns, 9,472 bytes:
//   0     8,192  codes, [quad 4][thread 128] a word for each of four steps, as fragment_place.h has
//   codes of 4 bits 8192  1,024  [quad 4][row 64] scale and min of the first 32 columns, scale and
//   min of the second, a byte each 9216  256    [row 64] d, dmin
#ifndef KERNELS_CUDA_TILES_Q4_K_TILE_H_
#define KERNELS_CUDA_TILES_Q4_K_TILE_H_

#include "kernels/cuda/tiles/fragment_place.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

struct Q4_KTile {
  static constexpr TileFormat kFormat = TileFormat::kQ4_K;
  static constexpr std::uint32_t kRecordCols = 256;
  static constexpr std::uint32_t kRecordBytes = 9472;
  static constexpr std::uint32_t kChunkRecords = 1;
  static constexpr unsigned kParts = 1;
  static constexpr std::uint32_t kScales = 8192;
  static constexpr std::uint32_t kSuperScales = 9216;

  struct Codes {
    FourWords steps;
    float scale[2][2];  // [row][32 columns]: d * scale
    float min[2][2];    // -(dmin * min)
  };

  static KERNELS_DEVICE void load(Codes& to, const unsigned char* record, unsigned quad,
                                  unsigned thread) {
    to.steps = load_as<FourWords>(record + (quad * 128 + thread) * 16);
    KERNELS_UNROLL
    for (unsigned r = 0; r < 2; ++r) {
      const std::uint32_t row = fragment_row(thread) + 8 * r;
      const auto bytes = load_as<std::uint32_t>(record + kScales + (quad * 64 + row) * 4);
      const auto super = load_as<std::uint32_t>(record + kSuperScales + row * 4);
      const float d = from_f16(static_cast<std::uint16_t>(super));
      const float dmin = from_f16(static_cast<std::uint16_t>(super >> 16U));
      KERNELS_UNROLL
      for (unsigned block = 0; block < 2; ++block) {
        to.scale[r][block] = d * static_cast<float>((bytes >> (16 * block)) & 0xffU);
        to.min[r][block] = -(dmin * static_cast<float>((bytes >> (16 * block + 8)) & 0xffU));
      }
    }
  }

  // d * scale, dmin * min and code * (d * scale) are exact (at most 21 bits), so the fma rounds as
  // a subtraction does.
  static KERNELS_DEVICE void fragment(const Codes& codes, unsigned step, unsigned /*part*/,
                                      std::uint32_t (&a)[4]) {
    KERNELS_UNROLL
    for (unsigned r = 0; r < 4; ++r) {
      const std::uint32_t pair =
          subtract_bf16_pairs(nibbles_plus_128(codes.steps.word[step], r), bf16_twice(0x4300U));
      const float scale = codes.scale[r % 2][step / 2];
      const float min = codes.min[r % 2][step / 2];
      a[r] = pack_bf16(fma(low_bf16(pair), scale, min), fma(high_bf16(pair), scale, min));
    }
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_Q4_K_TILE_H_
