// The layout of weights in memory: panels of 16 rows, interleaved so that lane l of a vector is row l.
//
// A panel is the codes of all its columns, then (Q5_K, Q6_K) their upper bits, then the scales; each part starts
// on a multiple of 64 bytes. Rows past the last are zero. Per block of 32 columns (k-group g: columns 4g … 4g + 3;
// "lanes x 4" is 64 bytes, the 4 columns of row 0, then of row 1, …):
//
//   F32, F16, BF16   element [column][row]; no other part
//   Q8_0             codes 8 x (lanes x 4), signed                scales d[16]
//   Q4_0             codes 4 x (lanes x 4): vector v holds group  scales d[16]
//                    v in the low nibbles, v + 4 in the high
//   Q4_K, Q5_K       codes as Q4_0                                scales per 256: d[16], dmin[16], then per 32
//   Q5_K             upper 1 x (lanes x 4): bit g is bit 4 of       scale[16], min[16], a byte each
//                    the code in group g
//   Q6_K             codes as Q4_0; upper 2 x (lanes x 4):        scales per 256: d[16], then per 32
//                    vector h, bits 2v and 2v + 1 are bits 4, 5     scale[16] of elements 0-15, scale[16] of 16-31
//                    of the code in group 4h + v
// d and dmin are binary16 as in the file. Every ISA reads this one layout.
#ifndef KERNELS_CPU_PACKED_WEIGHT_H_
#define KERNELS_CPU_PACKED_WEIGHT_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/cpu/kernel_set.h"
#include "kernels/ops.h"

namespace kernels::cpu {

// The geometry of a packed matrix (data is null), or nothing when the shape is no multiple of the format's blocks or
// overflows.
std::optional<PackedWeight> plan_weight(Format format, std::size_t rows, std::size_t cols);

// Writes panel `panel` of `source` to `to` (weight.panel_bytes bytes, zero-filled).
void pack_panel(const PackedWeight& weight, const WeightSource& source, std::size_t panel, std::uint8_t* to);

// Reads row `row` back: the floats that dequantize_row gives for the source.
void unpack_row(const PackedWeight& weight, std::size_t row, float* out);

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_PACKED_WEIGHT_H_
