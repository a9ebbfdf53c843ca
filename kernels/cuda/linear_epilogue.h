// What becomes of the sums, the same in every linear kernel: segments, scale of the row (e4m3),
// bias, and then the store.
#ifndef KERNELS_CUDA_LINEAR_EPILOGUE_H_
#define KERNELS_CUDA_LINEAR_EPILOGUE_H_

#include "kernels/cuda/linear_arguments.h"

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

// `row` of all experts' rows.
KERNELS_DEVICE float finished(const LinearArguments::Matrix& matrix, std::uint32_t row, float sum) {
  if (matrix.row_scales != nullptr) sum = sum * matrix.row_scales[row];
  if (matrix.bias != nullptr) sum = sum + matrix.bias[row];
  return sum;
}

// sums[m][i]: element i of the D fragments of this thread (0 … 127 of its tile); one matrix, or
// gate and up. `tile` of matrices[matrix], or of the block's expert in it.
template <unsigned kTokens, bool kGated>
KERNELS_DEVICE void finish_tile(const LinearArguments& args,
                                const float (&sums)[kGated ? 2 : 1][kTokens / 2],
                                std::uint32_t matrix, std::uint32_t tile,
                                LinearArguments::Tokens tokens, std::uint32_t tile_thread) {
  const LinearArguments::Matrix& to = args.matrices[matrix];
  const std::uint32_t rows_before = LinearArguments::before_expert(to.rows);
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < kTokens / 2; ++i) {
    const std::uint32_t row = tile * kTileRows + result_row(tile_thread, i);
    const std::uint32_t token = tokens.first + result_token(tile_thread, i);
    if (row >= to.rows || token >= tokens.last) continue;
    const float value = finished(to, rows_before + row, sums[0][i]);
    if constexpr (kGated) {
      const float up = finished(args.matrices[1], rows_before + row, sums[1][i]);
      args.hidden[std::size_t{token} * args.hidden_stride + row] = to_bf16(silu(value) * up);
    } else {
      float* out = to.out + std::size_t{token} * to.out_stride + row;
      *out = args.add ? *out + value : value;
    }
  }
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_EPILOGUE_H_
