// 32 elements as 4-bit codes into a table of uneven steps: element = d * table[code].
//
// 18 bytes, as Q4_0.
#ifndef KERNELS_FORMATS_IQ4_NL_H_
#define KERNELS_FORMATS_IQ4_NL_H_

#include "kernels/formats/block_format.h"
#include "kernels/formats/tables.h"

namespace kernels::formats {

struct IQ4_NL : BlockFormat {
  static constexpr Format kFormat = Format::kIQ4_NL;
  static constexpr unsigned kLowBits = 4;
  static constexpr ScaleKind kScales = ScaleKind::kF16;
  static constexpr bool kHasTable = true;
  static constexpr const std::int8_t* kTable = kIq4Table;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_IQ4_NL_H_
