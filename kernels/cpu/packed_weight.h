// The layout of weights in memory: panels of 16 rows, interleaved; lane l of a vector is row l.
//
// A panel is the codes of all its columns, then (Q5_K, Q6_K) their upper bits,
// then the scales; each part starts on a multiple of 64 bytes. Rows past the last
// are zero. Per block of 32 columns (k-group g is columns 4g to 4g + 3; a "vector"
// is 64 bytes, the four columns of row 0, then those of row 1, and so on):
//
//   F32, F16, BF16  element [column][row]; no other part
//   Q8_0            codes   8 vectors, signed
//                   scales  d[16]
//   Q4_0            codes   4 vectors: v holds group v in low nibbles, group v + 4 in high ones
//                   scales  d[16]
//   Q4_K, Q5_K      codes   as Q4_0
//                   upper   Q5_K only, 1 vector: bit g is bit 4 of the code in group g
//                   scales  per 256: d[16], dmin[16], then per 32: scale[16], min[16], bytes
//   Q6_K            codes   as Q4_0
//                   upper   2 vectors: bits 2v, 2v + 1 of h are bits 4, 5 of group 4h + v
//                   scales  per 256: d[16], then per 16: scale[16], signed bytes
//
// d and dmin are binary16 as in the file. Every ISA reads this one layout.
#ifndef KERNELS_CPU_PACKED_WEIGHT_H_
#define KERNELS_CPU_PACKED_WEIGHT_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/cpu/kernel_set.h"
#include "kernels/ops.h"

namespace kernels::cpu {

// The geometry of a packed matrix (data is null), or nothing when the shape is no multiple of the
// format's blocks or overflows.
std::optional<PackedWeight> plan_weight(Format format, std::size_t rows, std::size_t cols);

// Writes panel `panel` of `source` to `to` (weight.panel_bytes bytes, zero-filled).
void pack_panel(const PackedWeight& weight, const WeightSource& source, std::size_t panel,
                std::uint8_t* to);

// Reads row `row` back: the floats that dequantize_row gives for the source.
void unpack_row(const PackedWeight& weight, std::size_t row, float* out);

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_PACKED_WEIGHT_H_
