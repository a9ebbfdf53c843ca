// Reading one GGUF block into plain integers: the step that
// dequantisation and every repacked layout share.
//
// A block of a K format (256 elements) is 8 sub-blocks of
// 32, or 16 of 16 for Q6_K, in element order:
//   Q4_K, Q5_K  element = d * scale[e / 32] * code[e] - dmin * min[e / 32]
//   Q6_K        element = d * scale[e / 16] * (code[e] - 32)
//   Q4_0        element = d * (code[e] - 8)
//   Q8_0        element = d * (signed char) code[e]
// Source: the structures block_q4_0 … block_q6_K and their
// dequantisation in ggml (ggml-common.h, ggml-quants.c).
#ifndef KERNELS_BLOCK_CODES_H_
#define KERNELS_BLOCK_CODES_H_

#include <cstdint>

#include "kernels/format.h"

namespace kernels {

struct BlockCodes {
  std::uint8_t code[256];
  std::int8_t scale[16];  // 8 used by Q4_K and Q5_K (0 … 63), 16 by Q6_K (-128 … 127)
  std::uint8_t min[8];    // 0 … 63
  std::uint16_t d;        // binary16
  std::uint16_t dmin;     // binary16
};

// Reads one block of a quantised format. `block` has format_info(format).block_bytes bytes.
void read_block(Format format, const std::uint8_t* block, BlockCodes* out);

}  // namespace kernels

#endif  // KERNELS_BLOCK_CODES_H_
