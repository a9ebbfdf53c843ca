// The layout of weights in memory: panels of 16 rows, interleaved; lane l of a vector is row l.
//
// A panel is the low bits of the codes of all its columns, then (where a format has them) their
// upper bits, then the scales; each part starts on a multiple of 64 bytes. Rows past the last are
// zero. How many bits are where, and the kind of scales, is said by each format in kernels/formats.
//
// F32, F16 and BF16 are [column][row] and have one part. The others, per block of 32 columns
// (k-group g is columns 4g to 4g + 3; a "vector" is 64 bytes, the four columns of row 0, then those
// of row 1, and so on):
//
//   low bits    8  8 vectors: v holds group v
//               4  4 vectors: v holds group v in low nibbles, group v + 4 in high ones
//               2  2 vectors: bits 2j, 2j + 1 of v are those of group v + 2j
//   upper bits  1  1 vector: bit g is that of group g
//               2  2 vectors: bits 2j, 2j + 1 of v are those of group 4v + j
//   scales         formats::ScaleKind has the list
//
// Codes, d, dmin and scales are those of BlockCodes. Every ISA reads this one layout.
#ifndef KERNELS_CPU_PACKED_WEIGHT_H_
#define KERNELS_CPU_PACKED_WEIGHT_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/cpu/kernel_set.h"
#include "kernels/ops.h"

namespace kernels::cpu {

// Names all of the above, the formats' own descriptions and scales included. Goes up with any
// change of what pack_panel writes: a reader of one number never meets the bytes of another.
inline constexpr std::uint32_t kPackedLayout = 1;
// Where packed bytes may begin.
inline constexpr std::size_t kPackedAlignment = 64;

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
