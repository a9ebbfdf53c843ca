// The two halves of a norm (rows.h, NormCall) as kernels make and use them: squares are added up 64
// columns at a time, in one order, by whoever writes the row; the scale is made of their sums by
// whoever multiplies it.
#ifndef KERNELS_CUDA_NORM_HALVES_H_
#define KERNELS_CUDA_NORM_HALVES_H_

#include "kernels/cuda/linear.h"
#include "kernels/cuda/portable/portable.h"
#include "kernels/cuda/rows.h"

namespace kernels::cuda {

// q(j) of a group of 16 columns: those of columns j and j + 8.
KERNELS_DEVICE float square_pair(float low, float high) {
  return fma(high, high, low * low);
}

// By a whole warp, which gets 1 / sqrt(mean + eps) of one row.
KERNELS_DEVICE float norm_scale(const NormScale& norm, std::uint32_t row) {
  const std::uint32_t count = square_sum_count(norm.cols);
  const float* const sums = norm.square_sums + std::size_t{row} * count;
  float sum = 0;
  for (std::uint32_t i = lane(); i < count; i += 32) sum = sum + sums[i];
  KERNELS_UNROLL
  for (unsigned mask = 1; mask < 32; mask *= 2) sum = sum + shuffle_xor(sum, mask);
  const float mean = divide_rn(sum, static_cast<float>(norm.cols));
  return divide_rn(1.0F, sqrt_rn(mean + norm.eps));
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_NORM_HALVES_H_
