// 32 elements as 4-bit floats (E2M1) with a power of two as scale:
//   element = 2^(e - 128) * table[code], the table being E2M1 times two
//
// 17 bytes: e; byte i of 16 holds elements i and i + 16. Source: OCP Microscaling Formats 1.0.
// There e of 255 is NaN; ggml, and so we, read 2^127.
#ifndef KERNELS_FORMATS_MXFP4_H_
#define KERNELS_FORMATS_MXFP4_H_

#include "kernels/formats/block_format.h"
#include "kernels/formats/tables.h"

namespace kernels::formats {

struct MXFP4 : BlockFormat {
  static constexpr Format kFormat = Format::kMXFP4;
  static constexpr unsigned kLowBits = 4;
  static constexpr ScaleKind kScales = ScaleKind::kE8M0;
  static constexpr bool kHasTable = true;
  static constexpr const std::int8_t* kTable = kE2M1Table;

  static void read(const std::uint8_t* block, BlockCodes* out);
  static void quantize(const float* x, std::uint8_t* block);
};

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_MXFP4_H_
