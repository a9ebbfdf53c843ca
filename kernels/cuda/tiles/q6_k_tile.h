// Tiles of Q6_K: element = bf16(d * scale * (code - 32)); d a binary16 for every 256 columns of a
// row, scale -128 … 127 for every 16 (one k16 step), code 0 … 63.
//
// A record is 256 columns, 13,440 bytes:
//   0      8,192  lower four bits of codes, [quad 4][thread 128] a word for each of four steps, as
//   fragment_place.h has
//                 codes of 4 bits
//   8192   4,096  upper two bits, [quad 4][thread 128] a word for each two steps: those of step s
//   (0, 1 of the two),
//                 register r, half h from bit 4 r + 2 s + 16 h
//   12288  1,024  [quad 4][row 64] scales of four steps, signed bytes
//   13312  128    [row 64] d
#ifndef KERNELS_CUDA_TILES_Q6_K_TILE_H_
#define KERNELS_CUDA_TILES_Q6_K_TILE_H_

#include "kernels/cuda/tiles/fragment_place.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/cuda/tiles/words.h"

namespace kernels::cuda {

struct Q6_KTile {
  static constexpr TileFormat kFormat = TileFormat::kQ6_K;
  static constexpr std::uint32_t kRecordCols = 256;
  static constexpr std::uint32_t kRecordBytes = 13440;
  static constexpr std::uint32_t kChunkRecords = 1;
  static constexpr unsigned kParts = 1;
  static constexpr std::uint32_t kUpperBits = 8192;
  static constexpr std::uint32_t kScales = 12288;
  static constexpr std::uint32_t kSuperScales = 13312;

  struct Codes {
    FourWords lower;
    TwoWords upper;
    float scale[2][4];  // [row][step]: d * scale
  };

  static KERNELS_DEVICE void load(Codes& to, const unsigned char* record, unsigned quad,
                                  unsigned thread) {
    to.lower = load_as<FourWords>(record + (quad * 128 + thread) * 16);
    to.upper = load_as<TwoWords>(record + kUpperBits + (quad * 128 + thread) * 8);
    KERNELS_UNROLL
    for (unsigned r = 0; r < 2; ++r) {
      const std::uint32_t row = fragment_row(thread) + 8 * r;
      const auto bytes = load_as<std::uint32_t>(record + kScales + (quad * 64 + row) * 4);
      const float d = from_f16(load_as<std::uint16_t>(record + kSuperScales + row * 2));
      KERNELS_UNROLL
      for (unsigned step = 0; step < 4; ++step)
        to.scale[r][step] =
            d * static_cast<float>(static_cast<std::int8_t>((bytes >> (8 * step)) & 0xffU));
    }
  }

  // (128 + code) s - 160 s with s = d * scale of 19 bits: 160 s is exact, so the fma rounds s *
  // (code - 32) once.
  static KERNELS_DEVICE void fragment(const Codes& codes, unsigned step, unsigned /*part*/,
                                      std::uint32_t (&a)[4]) {
    const std::uint32_t upper = codes.upper.word[step / 2];
    KERNELS_UNROLL
    for (unsigned r = 0; r < 4; ++r) {
      const std::uint32_t pair = nibbles_plus_128(codes.lower.word[step], r) |
                                 (((upper >> (4 * r + 2 * (step % 2))) & 0x00030003U) << 4U);
      const float scale = codes.scale[r % 2][step];
      const float offset = -160.0F * scale;
      a[r] = pack_bf16(fma(low_bf16(pair), scale, offset), fma(high_bf16(pair), scale, offset));
    }
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_Q6_K_TILE_H_
