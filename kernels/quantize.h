// Rows of float made into each weight format: for tests and for making synthetic models. Written to
// be read, not to find the best possible codes.
//
// Where GGUF's Python package can write a format (gguf-py, quants.py: all but the K formats and
// IQ4_NL, IQ4_XS), the bytes are the same. The others take a scale from the extremes of each group
// and round to nearest; the search for better scales that llama.cpp's quantise tool performs is not
// repeated here.
#ifndef KERNELS_QUANTIZE_H_
#define KERNELS_QUANTIZE_H_

#include <cstddef>

#include "kernels/format.h"

namespace kernels {

// Writes row_bytes(format, cols) bytes. cols must suit the format; x must be finite.
void quantize_row(Format format, const float* x, std::size_t cols, void* row);

}  // namespace kernels

#endif  // KERNELS_QUANTIZE_H_
