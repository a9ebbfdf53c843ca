// 256 elements as 3-bit codes, in groups of 16 with a 6-bit scale:
//   element = d * (scale - 32) * (code - 4)
//
// 110 bytes: 32 bytes, bit s of byte i the third bit of element 32s + i; 64 bytes of low bit pairs
// as in Q2_K; 12 bytes of scales; d (binary16). BlockCodes has the scale with 32 already taken off.
#ifndef KERNELS_FORMATS_Q3_K_H_
#define KERNELS_FORMATS_Q3_K_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q3_K : BlockFormat {
  static constexpr Format kFormat = Format::kQ3_K;
  static constexpr unsigned kLowBits = 2;
  static constexpr unsigned kUpperBits = 1;
  static constexpr ScaleKind kScales = ScaleKind::kSuper16;
  static constexpr int kZero = 4;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q3_K_H_
