// What the elements of a row of weights are, in float: bit
// for bit what ggml's own dequantisation gives.
#ifndef KERNELS_DEQUANTIZE_H_
#define KERNELS_DEQUANTIZE_H_

#include <cstddef>

#include "kernels/block_codes.h"
#include "kernels/format.h"

namespace kernels {

// row: row_bytes(format, cols) bytes, any alignment. cols must suit the format (row_bytes says).
void dequantize_row(Format format, const void* row, std::size_t cols, float* out);

// Writes the elements of one block already read into
// integers: format_info(format).block_elements of them.
void dequantize_codes(Format format, const BlockCodes& codes, float* out);

}  // namespace kernels

#endif  // KERNELS_DEQUANTIZE_H_
