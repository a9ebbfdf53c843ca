// 32 elements as 5-bit codes: element = d * (code - 16).
//
// 22 bytes: d (binary16); 32 bits, bit i the fifth bit of element i; nibbles as in Q4_0.
#ifndef KERNELS_FORMATS_Q5_0_H_
#define KERNELS_FORMATS_Q5_0_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q5_0 : BlockFormat {
  static constexpr Format kFormat = Format::kQ5_0;
  static constexpr unsigned kLowBits = 4;
  static constexpr unsigned kUpperBits = 1;
  static constexpr ScaleKind kScales = ScaleKind::kF16;
  static constexpr int kZero = 16;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q5_0_H_
