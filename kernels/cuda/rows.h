// The operations that go row by row: embedding, normalisation, the gate of an MLP whose two
// matrices have different formats, statistics of logits. One block of 256 threads a row; every
// reduction is a fixed tree over these threads, whatever the number of rows (kernels/NUMERICS.md,
// section 9).
#ifndef KERNELS_CUDA_ROWS_H_
#define KERNELS_CUDA_ROWS_H_

#include "kernels/cuda/device.h"
#include "kernels/cuda/linear.h"
#include "kernels/cuda/row_count.h"
#include "kernels/cuda/tiles/tile_format.h"

namespace kernels::cuda {

inline constexpr std::uint32_t kRowThreads = 256;

struct RowKernels {
  Kernel embed[kTileFormats];
  Kernel norm;
  Kernel pad;
  Kernel gate;
  Kernel add_segments;
  Kernel join;
  Kernel logit_stats;
};
RowKernels row_kernels();
RowKernels emulated_row_kernels();

// out[i, :] = table[tokens[i], :]; out f32 [n, cols]
struct EmbedCall {
  TileShape shape;
  const std::uint8_t* tiles = nullptr;   // device
  const std::int32_t* tokens = nullptr;  // device; below shape.rows
  RowCount n;
  float* out = nullptr;
};
Status run_embed(Device& device, const RowKernels& kernels, const EmbedCall& call);

// A norm in two halves: out[i, c] = bf16(x[r, c] * weight[c]) with r = indexes[i], or i, zeros up
// to padded_cols; and the squares of the row, added up 64 columns at a time. The products of `out`
// are then scaled by 1 / sqrt(mean of the squares + eps) (linear.h, NormScale): a row need not be
// whole before it is multiplied, and whoever writes its last columns can make both. weight null:
// bf16(x), and no squares.
//
// Order: of 64 columns, four groups of 16; in a group q(j) = fma(x[j + 8], x[j + 8], x[j]^2), and
// q(0) … q(7) are added as a balanced tree; then groups, as a balanced tree. Columns beyond the row
// are zeros. The sums of a row: lane l of a warp adds those l, l + 32, … in turn, lanes are added
// as a balanced tree.
constexpr std::uint32_t square_sum_count(std::uint32_t cols) {
  return (cols + 63) / 64;
}
struct NormCall {
  const float* x = nullptr;               // [*, cols]
  const std::int32_t* indexes = nullptr;  // device, or null
  RowCount n;
  std::uint32_t cols = 0;
  const float* weight = nullptr;
  std::uint16_t* out = nullptr;   // [n, out_stride], 8-byte aligned
  std::uint32_t out_stride = 0;   // >= padded_cols, a multiple of 4
  std::uint32_t padded_cols = 0;  // a multiple of 256
  float* square_sums = nullptr;   // device, [n, square_sum_count(cols)]
};
Status run_norm(Device& device, const RowKernels& kernels, const NormCall& call);

// out[i, r] += ((s0 + s1) + s2 …)[i, r] * row_scales[r] + bias[r], of sums that linear.h's
// kSegments wrote, and what the next norm wants of it: the bits of one launch of kAdd.
struct AddSegmentsCall {
  const float* sums = nullptr;  // [segments, n.rows_max, rows]
  std::uint32_t segments = 0;
  RowCount n;
  std::uint32_t rows = 0;             // of the matrix: columns of out
  const float* row_scales = nullptr;  // [rows], or null
  const float* bias = nullptr;        // [rows], or null
  float* out = nullptr;
  std::uint32_t out_stride = 0;
  NextNorm next;
};
Status run_add_segments(Device& device, const RowKernels& kernels, const AddSegmentsCall& call);

// out[i, c] = part[i, c - first] for columns first … first + cols - 1: what several devices
// computed becomes rows.
struct JoinCall {
  const float* part = nullptr;  // [n, cols]
  RowCount n;
  std::uint32_t cols = 0;
  float* out = nullptr;
  std::uint32_t out_stride = 0;
  std::uint32_t first = 0;
};
Status run_join(Device& device, const RowKernels& kernels, const JoinCall& call);

// Copies bf16 rows of `cols` elements to rows that are zero from there to padded_cols.
struct PadCall {
  const std::uint16_t* x = nullptr;  // [n, x_stride]
  std::uint32_t x_stride = 0;
  RowCount n;
  std::uint32_t cols = 0;
  std::uint16_t* out = nullptr;  // [n, out_stride]
  std::uint32_t out_stride = 0;
  std::uint32_t padded_cols = 0;
};
Status run_pad(Device& device, const RowKernels& kernels, const PadCall& call);

// out[i, c] = bf16(silu(gate[i, c]) * up[i, c]), silu(z) = z / (1 + 2^(-z / ln 2))
struct GateCall {
  const float* gate = nullptr;  // [n, cols]
  const float* up = nullptr;    // [n, cols]
  RowCount n;
  std::uint32_t cols = 0;
  std::uint16_t* out = nullptr;  // [n, out_stride]
  std::uint32_t out_stride = 0;
};
Status run_gate(Device& device, const RowKernels& kernels, const GateCall& call);

// Per row: its maximum, and sum_v exp(logit[v] - max), whose logarithm is the host's to take. NaN
// anywhere: NaN in both. Order: thread t has four sums of the logits t, t + 256, …, taken in turn;
// they and then the threads are added as a balanced tree.
struct LogitStatsCall {
  const float* logits = nullptr;  // [count, vocabulary]
  std::uint32_t count = 0;
  std::uint32_t vocabulary = 0;
  float* maximum = nullptr;  // device, [count]
  float* sum = nullptr;      // device, [count]
};
Status run_logit_stats(Device& device, const RowKernels& kernels, const LogitStatsCall& call);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ROWS_H_
