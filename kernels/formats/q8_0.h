// 32 elements as signed bytes: element = d * code.
//
// 34 bytes: d (binary16), 32 codes.
#ifndef KERNELS_FORMATS_Q8_0_H_
#define KERNELS_FORMATS_Q8_0_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q8_0 : BlockFormat {
  static constexpr Format kFormat = Format::kQ8_0;
  static constexpr unsigned kLowBits = 8;
  static constexpr ScaleKind kScales = ScaleKind::kF16;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q8_0_H_
