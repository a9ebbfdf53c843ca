// 256 elements as 5-bit codes, in groups of 32 with a scale and a min of 6 bits each:
//   element = d * scale * code - dmin * min
//
// 176 bytes: as Q4_K, with 32 bytes before the nibbles: bit s of byte i is the fifth bit of element
// i of group s.
#ifndef KERNELS_FORMATS_Q5_K_H_
#define KERNELS_FORMATS_Q5_K_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q5_K : BlockFormat {
  static constexpr Format kFormat = Format::kQ5_K;
  static constexpr unsigned kLowBits = 4;
  static constexpr unsigned kUpperBits = 1;
  static constexpr ScaleKind kScales = ScaleKind::kSuperMin32;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q5_K_H_
