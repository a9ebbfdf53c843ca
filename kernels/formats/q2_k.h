// 256 elements as 2-bit codes, in groups of 16 with a scale and a min of 4 bits each:
//   element = d * scale * code - dmin * min
//
// 84 bytes: 16 bytes of scale (low nibble) and min; 64 bytes of codes; d, dmin (binary16).
// Each half of 128 elements has 32 bytes: element 32j + i of it is bits 2j, 2j + 1 of byte i.
#ifndef KERNELS_FORMATS_Q2_K_H_
#define KERNELS_FORMATS_Q2_K_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q2_K : BlockFormat {
  static constexpr Format kFormat = Format::kQ2_K;
  static constexpr unsigned kLowBits = 2;
  static constexpr ScaleKind kScales = ScaleKind::kSuperMin16;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q2_K_H_
