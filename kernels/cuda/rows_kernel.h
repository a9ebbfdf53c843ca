// The row kernels: see rows.h for what they compute and in which order. Included by rows.cu and
// emulated/rows.cc alone.
//
// Bytes moved are those of the row; a block of 256 threads to a row, and no shared memory but a
// float per warp.
#ifndef KERNELS_CUDA_ROWS_KERNEL_H_
#define KERNELS_CUDA_ROWS_KERNEL_H_

#include "kernels/cuda/norm_halves.h"
#include "kernels/cuda/portable/portable.h"
#include "kernels/cuda/row_count.h"
#include "kernels/cuda/rows_arguments.h"
#include "kernels/cuda/tiles/tile_element.h"

namespace kernels::cuda {
// Which of the two compilations this is, so that a program may hold both.
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

inline constexpr float kLog2E = 1.44269504088896340736F;

KERNELS_DEVICE bool is_a_row(const RowCount& n, std::uint32_t row) {
  return row < (n.rows == nullptr ? n.rows_max : *n.rows);
}

// Four floats that a thread loads at once where the row's alignment allows it. Zeros beyond the
// row.
struct alignas(16) Quad {
  float at[4];
};
KERNELS_DEVICE Quad load_quad(const float* row, std::uint32_t first, std::uint32_t cols,
                              bool aligned) {
  if (aligned) return *reinterpret_cast<const Quad*>(row + first);
  Quad quad;
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < 4; ++i) quad.at[i] = first + i < cols ? row[first + i] : 0.0F;
  return quad;
}

struct alignas(8) Bf16Quad {
  std::uint32_t low, high;
};

// Every thread of the block gets the sum (or the largest) of all threads' values. `partial` holds a
// float per warp.
template <typename Combine>
KERNELS_DEVICE float combine_block(float value, float* partial, const Combine& combine) {
  static_assert(kRowThreads == 256);
  KERNELS_UNROLL
  for (unsigned mask = 1; mask < 32; mask *= 2) value = combine(value, shuffle_xor(value, mask));
  sync_block();  // the former use of `partial` is over
  if (lane() == 0) partial[warp()] = value;
  sync_block();
  return combine(combine(combine(partial[0], partial[1]), combine(partial[2], partial[3])),
                 combine(combine(partial[4], partial[5]), combine(partial[6], partial[7])));
}

struct Add {
  KERNELS_DEVICE float operator()(float a, float b) const { return a + b; }
};
struct Larger {
  KERNELS_DEVICE float operator()(float a, float b) const { return maximum(a, b); }
};

template <typename Tile>
KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) embed_row(EmbedArguments a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  if (!is_a_row(a.n, row)) return;
  const auto token = static_cast<std::uint32_t>(a.tokens[row]);
  const std::size_t tile_bytes = std::size_t{a.shape.records} * Tile::kRecordBytes;
  const unsigned char* const tile = a.tiles + token / kTileRows * tile_bytes;
  float scale = 1;
  if (Tile::kFormat == TileFormat::kE4m3)
    scale = reinterpret_cast<const float*>(a.tiles + a.shape.row_tiles * tile_bytes)[token];
  float* const out = a.out + std::size_t{row} * a.shape.cols;
  for (std::uint32_t col = thread(); col < a.shape.cols; col += kRowThreads) {
    const unsigned char* const record =
        tile + std::size_t{col / Tile::kRecordCols} * Tile::kRecordBytes;
    out[col] = record_element<Tile>(record, token % kTileRows, col % Tile::kRecordCols) * scale;
  }
}

// Squares of 64 columns, of 16 neighbouring threads with four columns each (rows.h); each of the 16
// gets the sum. Whole warps.
KERNELS_DEVICE float add_squares(const Quad& mine) {
  const bool high = thread() / 2 % 2 != 0;  // columns 8 … 15 of a group of 16
  float q[4];
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < 4; ++i) {
    const float theirs = shuffle_xor(mine.at[i], 2);
    q[i] = square_pair(high ? theirs : mine.at[i], high ? mine.at[i] : theirs);
  }
  float sum = (q[0] + q[1]) + (q[2] + q[3]);
  sum = sum + shuffle_xor(sum, 1);
  sum = sum + shuffle_xor(sum, 4);
  return sum + shuffle_xor(sum, 8);
}

KERNELS_DEVICE void store_bf16(std::uint16_t* to, const Quad& y) {
  *reinterpret_cast<Bf16Quad*>(to) = {pack_bf16(y.at[0], y.at[1]), pack_bf16(y.at[2], y.at[3])};
}

// The first of 16 threads stores what all of them have.
KERNELS_DEVICE void store_square_sum(float* sums, std::uint32_t count, std::uint32_t first,
                                     float sum) {
  if (thread() % 16 == 0 && first / 64 < count) sums[first / 64] = sum;
}

KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) norm_row(NormArguments a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  if (!is_a_row(a.n, row)) return;
  const std::uint32_t from =
      a.indexes == nullptr ? row : static_cast<std::uint32_t>(a.indexes[row]);
  const float* const x = a.x + std::size_t{from} * a.cols;
  const std::uint32_t count = square_sum_count(a.cols);
  std::uint16_t* const out = a.out + std::size_t{row} * a.out_stride;
  // padded_cols is a multiple of what a warp has: it is in the loop as a whole.
  for (std::uint32_t first = 4 * thread(); first < a.padded_cols; first += 4 * kRowThreads) {
    Quad y = {{0, 0, 0, 0}};
    if (first < a.cols) y = load_quad(x, first, a.cols, a.aligned);
    if (a.weight != nullptr) {
      store_square_sum(a.square_sums + std::size_t{row} * count, count, first, add_squares(y));
      if (first < a.cols) {
        const Quad weight = load_quad(a.weight, first, a.cols, a.aligned);
        KERNELS_UNROLL
        for (std::uint32_t i = 0; i < 4; ++i) y.at[i] = y.at[i] * weight.at[i];
      }
    }
    store_bf16(out + first, y);
  }
}

// Of the whole row at once: what the sums come to, what was there, what the next norm wants.
KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) add_segments_row(AddSegmentsArguments a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  if (!is_a_row(a.n, row)) return;
  float* const out = a.out + std::size_t{row} * a.out_stride;
  const std::uint32_t count = square_sum_count(a.rows);
  const std::uint32_t padded = (a.rows + 255) / 256 * 256;
  for (std::uint32_t first = 4 * thread(); first < padded; first += 4 * kRowThreads) {
    Quad value = {{0, 0, 0, 0}};
    for (std::uint32_t col = first; col < first + 4 && col < a.rows; ++col) {
      float sum = a.sums[std::size_t{row} * a.rows + col];
      for (std::uint32_t s = 1; s < a.segments; ++s)
        sum = sum + a.sums[(std::size_t{s} * a.n.rows_max + row) * a.rows + col];
      if (a.row_scales != nullptr) sum = sum * a.row_scales[col];
      if (a.bias != nullptr) sum = sum + a.bias[col];
      value.at[col - first] = out[col] + sum;
      out[col] = value.at[col - first];
    }
    if (a.next.weight == nullptr) continue;
    store_square_sum(a.next.square_sums + std::size_t{row} * count, count, first,
                     add_squares(value));
    // Rows are a multiple of 256.
    std::uint16_t* const x = a.next.x + std::size_t{row} * a.next.x_stride + first;
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) x[i] = to_bf16(value.at[i] * a.next.weight[first + i]);
  }
}

KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) join_row(JoinArguments a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  if (!is_a_row(a.n, row)) return;
  const float* const part = a.part + std::size_t{row} * a.cols;
  float* const out = a.out + std::size_t{row} * a.out_stride + a.first;
  for (std::uint32_t col = thread(); col < a.cols; col += kRowThreads) out[col] = part[col];
}

KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) pad_row(PadArguments a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  if (!is_a_row(a.n, row)) return;
  const std::uint16_t* const x = a.x + std::size_t{row} * a.x_stride;
  std::uint16_t* const out = a.out + std::size_t{row} * a.out_stride;
  for (std::uint32_t col = thread(); col < a.padded_cols; col += kRowThreads)
    out[col] = col < a.cols ? x[col] : std::uint16_t{0};
}

KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) gate_row(GateArguments a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  if (!is_a_row(a.n, row)) return;
  const float* const gate = a.gate + std::size_t{row} * a.cols;
  const float* const up = a.up + std::size_t{row} * a.cols;
  std::uint16_t* const out = a.out + std::size_t{row} * a.out_stride;
  for (std::uint32_t col = thread(); col < a.cols; col += kRowThreads) {
    const float z = gate[col];
    out[col] = to_bf16(divide_rn(z, 1.0F + exp2_fast(-z * kLog2E)) * up[col]);
  }
}

KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) logit_stats_row(LogitStatsArguments a) {
  KERNELS_SHARED(shared);
  auto* const partial = reinterpret_cast<float*>(shared);
  wait_for_former();
  allow_next();
  const float* const logits = a.logits + std::size_t{block_x()} * a.vocabulary;
  float most = logits[0];
  for (std::uint32_t v = thread(); v < a.vocabulary; v += kRowThreads)
    most = maximum(most, logits[v]);
  most = combine_block(most, partial, Larger{});
  float sums[4] = {0, 0, 0, 0};
  for (std::uint32_t first = thread(); first < a.vocabulary; first += 4 * kRowThreads) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t v = first + i * kRowThreads;
      if (v < a.vocabulary) sums[i] += exp2_fast((logits[v] - most) * kLog2E);
    }
  }
  const float sum = combine_block((sums[0] + sums[1]) + (sums[2] + sums[3]), partial, Add{});
  if (thread() != 0) return;
  a.maximum[block_x()] = most;
  a.sum[block_x()] = sum;
}

}  // inline namespace
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ROWS_KERNEL_H_
