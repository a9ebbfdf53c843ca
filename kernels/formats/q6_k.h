// 256 elements as 6-bit codes, in groups of 16 with a signed scale of 8 bits:
//   element = d * scale * (code - 32)
//
// 210 bytes: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 scales, d (binary16). Each
// half of 128 elements has four quarters of 32: quarters 0 and 1 are the low nibbles of 64 bytes, 2
// and 3 the high ones; quarter q has its bit pair at bit 2q.
#ifndef KERNELS_FORMATS_Q6_K_H_
#define KERNELS_FORMATS_Q6_K_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct Q6_K : BlockFormat {
  static constexpr Format kFormat = Format::kQ6_K;
  static constexpr unsigned kLowBits = 4;
  static constexpr unsigned kUpperBits = 2;
  static constexpr ScaleKind kScales = ScaleKind::kSuper16;
  static constexpr int kZero = 32;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_Q6_K_H_
