// 32 elements as 4-bit codes with a minimum: element = d * code + m.
//
// 20 bytes: d, m (binary16); byte i of 16 holds elements i and i + 16.
#ifndef KERNELS_FORMATS_Q4_1_H_
#define KERNELS_FORMATS_Q4_1_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q4_1 : BlockFormat {
  static constexpr Format kFormat = Format::kQ4_1;
  static constexpr unsigned kLowBits = 4;
  static constexpr ScaleKind kScales = ScaleKind::kF16Min;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q4_1_H_
