// 32 elements as 4-bit codes: element = d * (code - 8).
//
// 18 bytes: d (binary16); byte i of 16 holds elements i and i + 16.
#ifndef KERNELS_FORMATS_Q4_0_H_
#define KERNELS_FORMATS_Q4_0_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q4_0 : BlockFormat {
  static constexpr Format kFormat = Format::kQ4_0;
  static constexpr unsigned kLowBits = 4;
  static constexpr ScaleKind kScales = ScaleKind::kF16;
  static constexpr int kZero = 8;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q4_0_H_
