// Scales and mins of the K formats that have both: Q2_K, Q4_K, Q5_K.
#ifndef KERNELS_FORMATS_K_SCALES_H_
#define KERNELS_FORMATS_K_SCALES_H_

#include <cstddef>
#include <cstdint>

#include "kernels/block_codes.h"

namespace kernels::formats {

// Eight 6-bit scales and eight 6-bit mins in 12 bytes, as Q4_K and Q5_K have them: the first four
// of each lie in the low six bits of bytes 0-3 and 4-7; of the last four, bytes 8-11 hold the low
// nibbles and the spare top bits the rest.
void read_scales_and_mins(const std::uint8_t* packed, BlockCodes* out);
void write_scales_and_mins(const BlockCodes& codes, std::uint8_t* packed);

struct MinScaling {
  std::size_t group;  // elements that share a scale and a min
  int scale_max;      // of scales and mins
  int code_max;
};

// Codes for 256 elements: each group from its smallest element (or 0) to its largest, in equal
// steps.
void quantize_with_mins(const float* x, const MinScaling& scaling, BlockCodes* out);

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_K_SCALES_H_
