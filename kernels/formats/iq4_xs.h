// 256 elements as 4-bit codes into the table of IQ4_NL, in groups of 32 with a 6-bit scale:
//   element = d * (scale - 32) * table[code]
//
// 136 bytes: d (binary16); 16 bits, of which bits 2g, 2g + 1 are the upper bits of group g's scale;
// 4 bytes of their low nibbles; 128 bytes of codes, each group of 32 as in Q4_0. BlockCodes has the
// scale with 32 already taken off.
#ifndef KERNELS_FORMATS_IQ4_XS_H_
#define KERNELS_FORMATS_IQ4_XS_H_

#include "kernels/formats/block_format.h"
#include "kernels/formats/tables.h"

namespace kernels::formats {

struct IQ4_XS : BlockFormat {
  static constexpr Format kFormat = Format::kIQ4_XS;
  static constexpr unsigned kLowBits = 4;
  static constexpr ScaleKind kScales = ScaleKind::kSuper32;
  static constexpr bool kHasTable = true;
  static constexpr const std::int8_t* kTable = kIq4Table;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_IQ4_XS_H_
