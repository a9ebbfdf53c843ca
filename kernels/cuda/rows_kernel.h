// The row kernels: see rows.h for what they compute and in which order. Included by rows.cu and
// emulated/rows.cc alone.
//
// Bytes moved are those of the row; a block of 256 threads to a row, and no shared memory but a
// float per warp.
#ifndef KERNELS_CUDA_ROWS_KERNEL_H_
#define KERNELS_CUDA_ROWS_KERNEL_H_

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

KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) norm_row(NormArguments a) {
  KERNELS_SHARED(shared);
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  if (!is_a_row(a.n, row)) return;
  const std::uint32_t from =
      a.indexes == nullptr ? row : static_cast<std::uint32_t>(a.indexes[row]);
  const float* const x = a.x + std::size_t{from} * a.cols;
  float scale = 1;
  if (a.weight != nullptr) {
    float sum = 0;
    for (std::uint32_t first = 4 * thread(); first < a.cols; first += 4 * kRowThreads) {
      const Quad quad = load_quad(x, first, a.cols, a.aligned);
      KERNELS_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) sum = fma(quad.at[i], quad.at[i], sum);
    }
    sum = combine_block(sum, reinterpret_cast<float*>(shared), Add{});
    const float mean = divide_rn(sum, static_cast<float>(a.cols));
    scale = divide_rn(1.0F, sqrt_rn(mean + a.eps));
  }
  std::uint16_t* const out = a.out + std::size_t{row} * a.out_stride;
  for (std::uint32_t first = 4 * thread(); first < a.padded_cols; first += 4 * kRowThreads) {
    Quad y = {{0, 0, 0, 0}};
    if (first < a.cols) {
      y = load_quad(x, first, a.cols, a.aligned);
      if (a.weight != nullptr) {
        const Quad weight = load_quad(a.weight, first, a.cols, a.aligned);
        KERNELS_UNROLL
        for (std::uint32_t i = 0; i < 4; ++i) {
          // Beyond the row both are zero, and so must the product be where the scale is not finite.
          y.at[i] = first + i < a.cols ? y.at[i] * scale * weight.at[i] : 0.0F;
        }
      }
    }
    *reinterpret_cast<Bf16Quad*>(out + first) = {pack_bf16(y.at[0], y.at[1]),
                                                 pack_bf16(y.at[2], y.at[3])};
  }
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
