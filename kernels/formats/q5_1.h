// 32 elements as 5-bit codes with a minimum: element = d * code + m.
//
// 24 bytes: d, m (binary16); then as Q5_0.
#ifndef KERNELS_FORMATS_Q5_1_H_
#define KERNELS_FORMATS_Q5_1_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q5_1 : BlockFormat {
  static constexpr Format kFormat = Format::kQ5_1;
  static constexpr unsigned kLowBits = 4;
  static constexpr unsigned kUpperBits = 1;
  static constexpr ScaleKind kScales = ScaleKind::kF16Min;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q5_1_H_
