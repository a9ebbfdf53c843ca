// Reading one GGUF block into plain integers: the step that dequantisation and every repacked
// layout share. The bits of each format are told in its header in kernels/formats.
//
// An element of every format, e counting from 0 in the block, group being 16, 32 or 256 elements:
//   element = d * scale[e / group] * (value(code[e]) - zero) - dmin * min[e / group]
// formats/block_format.h says what value, zero and group are, and which formats have scales and
// mins; without them a scale is 1 and a min 0, and what stands here of them is not set.
#ifndef KERNELS_BLOCK_CODES_H_
#define KERNELS_BLOCK_CODES_H_

#include <cstdint>

#include "kernels/format.h"

namespace kernels {

struct BlockCodes {
  std::uint8_t code[256];  // as the file has them; of Q8_0 signed bytes
  std::int8_t scale[16];   // one per group, -128 … 127
  std::uint8_t min[16];    // one per group, 0 … 63
  std::uint16_t d;         // binary16; of MXFP4 the exponent byte e, which means 2^(e - 128)
  std::uint16_t dmin;      // binary16; of Q4_1 and Q5_1 m, which is added (min is -1)
};

// Reads one block of a quantised format. `block` has format_info(format).block_bytes bytes.
void read_block(Format format, const std::uint8_t* block, BlockCodes* out);

}  // namespace kernels

#endif  // KERNELS_BLOCK_CODES_H_
