// 256 elements of three values, two bits each: element = d * (code - 1).
//
// 66 bytes: 64 bytes of codes as in Q2_K; d (binary16). No quantiser writes code 3; read, it
// is 2 d.
#ifndef KERNELS_FORMATS_TQ2_0_H_
#define KERNELS_FORMATS_TQ2_0_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct TQ2_0 : BlockFormat {
  static constexpr Format kFormat = Format::kTQ2_0;
  static constexpr unsigned kLowBits = 2;
  static constexpr ScaleKind kScales = ScaleKind::kSuper;
  static constexpr int kZero = 1;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_TQ2_0_H_
