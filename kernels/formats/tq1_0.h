// 256 elements of three values, five to a byte: element = d * (code - 1).
//
// 54 bytes: 48 + 4 bytes of codes; d (binary16). A byte b is a fraction b / 256 whose digits in
// base three are the codes. Bytes 0-31 hold elements 0-159 (digit n of byte i is element 32n + i),
// bytes 32-47 elements 160-239 (160 + 16n + i), bytes 48-51 the last 16 (240 + 4n + i, four
// digits).
#ifndef KERNELS_FORMATS_TQ1_0_H_
#define KERNELS_FORMATS_TQ1_0_H_

#include "kernels/formats/block_format.h"

namespace kernels::formats {

struct TQ1_0 : BlockFormat {
  static constexpr Format kFormat = Format::kTQ1_0;
  static constexpr unsigned kLowBits = 2;
  static constexpr ScaleKind kScales = ScaleKind::kSuper;
  static constexpr int kZero = 1;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_TQ1_0_H_
