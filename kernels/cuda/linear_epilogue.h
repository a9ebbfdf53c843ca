// What becomes of the sums, the same in every linear kernel: segments, the scale of the weight's
// row (e4m3), that of the row of activations, bias, and then the store, with what the next norm
// wants.
#ifndef KERNELS_CUDA_LINEAR_EPILOGUE_H_
#define KERNELS_CUDA_LINEAR_EPILOGUE_H_

#include "kernels/cuda/linear_arguments.h"
#include "kernels/cuda/norm_halves.h"

namespace kernels::cuda {

// ((s0 + s1) + s2) + s3, segment by segment. The next one's sum starts at zero.
template <unsigned kCount>
KERNELS_DEVICE void add_segment(float (&total)[kCount], float (&segment)[kCount],
                                std::uint32_t index) {
  KERNELS_UNROLL
  for (unsigned i = 0; i < kCount; ++i) {
    total[i] = index == 0 ? segment[i] : total[i] + segment[i];
    segment[i] = 0;
  }
}

// z / (1 + 2^(-z log2 e)). Of a NaN NaN; below -88 or so 1 + … is infinite and the result -0.
KERNELS_DEVICE float silu(float z) {
  return divide_rn(z, 1.0F + exp2_fast(z * -1.44269504F));
}

// Scales of the rows of activations of a block's tile, [kTokens], in shared memory: made by all its
// warps, and seen by all after the next sync_block(). No norm: none are made, and none are used.
template <unsigned kTokens>
KERNELS_DEVICE void make_scales(const LinearArguments& args, LinearArguments::Tokens tokens,
                                float* scales) {
  if (args.scale.square_sums == nullptr) return;
  for (std::uint32_t token = warp(); token < kTokens; token += threads() / 32) {
    if (tokens.first + token >= tokens.last) return;
    const float scale = norm_scale(args.scale, tokens.first + token);
    if (lane() == 0) scales[token] = scale;
  }
}

// `row` of all experts' rows, `token` of the tile.
KERNELS_DEVICE float finished(const LinearArguments& args, const LinearArguments::Matrix& matrix,
                              std::uint32_t row, std::uint32_t token, const float* scales,
                              float sum) {
  if (matrix.row_scales != nullptr) sum = sum * matrix.row_scales[row];
  if (args.scale.square_sums != nullptr) sum = sum * scales[token];
  if (matrix.bias != nullptr) sum = sum + matrix.bias[row];
  return sum;
}

// sums[m][i]: element i of the D fragments of this thread (0 … 127 of its tile); one matrix, or
// gate and up. `tile` of matrices[matrix], or of the block's expert in it. Afterwards sums[0] is
// what was stored, and zero where nothing was.
template <unsigned kTokens, bool kGated>
KERNELS_DEVICE void finish_tile(const LinearArguments& args,
                                float (&sums)[kGated ? 2 : 1][kTokens / 2], std::uint32_t matrix,
                                std::uint32_t tile, LinearArguments::Tokens tokens,
                                std::uint32_t tile_thread, const float* scales) {
  const LinearArguments::Matrix& to = args.matrices[matrix];
  const std::uint32_t rows_before = LinearArguments::before_expert(to.rows);
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < kTokens / 2; ++i) {
    const std::uint32_t row = tile * kTileRows + result_row(tile_thread, i);
    const std::uint32_t tile_token = result_token(tile_thread, i);
    const std::uint32_t token = tokens.first + tile_token;
    float value = 0;
    if (row < to.rows && token < tokens.last) {
      value = finished(args, to, rows_before + row, tile_token, scales, sums[0][i]);
      if constexpr (kGated) {
        const float up =
            finished(args, args.matrices[1], rows_before + row, tile_token, scales, sums[1][i]);
        args.hidden[std::size_t{token} * args.hidden_stride + row] = to_bf16(silu(value) * up);
      } else {
        float* const out = to.out + std::size_t{token} * to.out_stride + row;
        if (args.add) value = *out + value;
        *out = value;
      }
    }
    sums[0][i] = value;
  }
}

// A segment's sums as they are.
template <unsigned kTokens>
KERNELS_DEVICE void store_segment(const LinearArguments& args, const float (&sums)[kTokens / 2],
                                  const LinearPlace& place, std::uint32_t tile,
                                  LinearArguments::Tokens tokens, std::uint32_t tile_thread) {
  const LinearArguments::Matrix& to = args.matrices[place.matrix];
  const std::size_t before = std::size_t{place.segment} * args.n.rows_max;
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < kTokens / 2; ++i) {
    const std::uint32_t row = tile * kTileRows + result_row(tile_thread, i);
    const std::uint32_t token = tokens.first + result_token(tile_thread, i);
    if (row < to.rows && token < tokens.last)
      to.out[(before + token) * to.out_stride + row] = sums[i];
  }
}

// What the next norm wants of a unit's rows: values are what finish_tile stored of this thread's
// tile. `partial` is shared memory, [groups * 4, kTokens]. By all threads of the block; `has_tile`:
// whether the thread's group has one.
template <unsigned kTokens>
KERNELS_DEVICE void prepare_next(const LinearArguments& args, const float (&values)[kTokens / 2],
                                 std::uint32_t first_tile, bool has_tile,
                                 LinearArguments::Tokens tokens, float* partial) {
  const NextNorm& next = args.next;
  const std::uint32_t tile_thread = thread() % 128;
  const std::uint32_t tile = first_tile + thread() / 128;
  sync_block();  // what lay in `partial` is read no more
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < kTokens / 2; ++i) {
    const std::uint32_t row = tile * kTileRows + result_row(tile_thread, i);
    const std::uint32_t token = tokens.first + result_token(tile_thread, i);
    if (has_tile && token < tokens.last)
      next.x[std::size_t{token} * next.x_stride + row] = to_bf16(values[i] * next.weight[row]);
    if (i / 2 % 2 != 0) continue;
    // A warp's 16 rows are a group; its lanes with the same token, q(0) … q(7).
    float sum = square_pair(values[i], values[i + 2]);
    KERNELS_UNROLL
    for (unsigned mask = 4; mask < 32; mask *= 2) sum = sum + shuffle_xor(sum, mask);
    if (lane() < 4) partial[warp() * kTokens + result_token(tile_thread, i)] = sum;
  }
  sync_block();
  const std::uint32_t row_tiles = square_sum_count(args.matrices[0].rows);
  for (std::uint32_t i = thread(); i < threads() / 128 * kTokens; i += threads()) {
    const std::uint32_t of_tile = first_tile + i / kTokens;
    const std::uint32_t token = tokens.first + i % kTokens;
    if (of_tile >= row_tiles || token >= tokens.last) continue;
    const float* const group = partial + i / kTokens * 4 * kTokens + i % kTokens;
    next.square_sums[std::size_t{token} * row_tiles + of_tile] =
        (group[0] + group[kTokens]) + (group[2 * kTokens] + group[3 * kTokens]);
  }
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_EPILOGUE_H_
