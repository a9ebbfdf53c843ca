// 256 elements as 4-bit codes, in groups of 32 with a scale and a min of 6 bits each:
//   element = d * scale * code - dmin * min
//
// 144 bytes: d, dmin (binary16); 12 bytes of scales and mins (k_scales.h); 128 bytes of codes: each
// run of 32 bytes holds two groups, the first in the low nibbles.
#ifndef KERNELS_FORMATS_Q4_K_H_
#define KERNELS_FORMATS_Q4_K_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q4_K : BlockFormat {
  static constexpr Format kFormat = Format::kQ4_K;
  static constexpr unsigned kLowBits = 4;
  static constexpr ScaleKind kScales = ScaleKind::kSuperMin32;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q4_K_H_
