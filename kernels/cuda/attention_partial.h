// Splits side by side: a block leaves its split's result in the workspace, and the last of a row
// and group to arrive merges all of them, ascending, by the function that merges them in a block.
#ifndef KERNELS_CUDA_ATTENTION_PARTIAL_H_
#define KERNELS_CUDA_ATTENTION_PARTIAL_H_

#include "kernels/cuda/attention_splits.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

struct alignas(8) FloatPair {
  float low, high;
};

// A split of a row and group: for each of its query heads, the largest score, the total, the sums.
KERNELS_DEVICE float* partial_of(const AttentionArguments& a, std::uint32_t slot,
                                 std::uint32_t head) {
  const std::size_t floats = static_cast<std::size_t>(a.group) * (a.kv.head_dim + 2);
  return a.partials + (static_cast<std::size_t>(slot) * a.heads + head) * floats;
}

template <typename Form>
KERNELS_DEVICE void store_partial(const AttentionArguments& a, const BlockRows& block,
                                  const WarpPart<Form>& part, const Softmax<Form>& softmax,
                                  float* partial) {
  KERNELS_UNROLL
  for (std::uint32_t half = 0; half < 2; ++half) {
    if (!part.lane_row(a, block, half).exists) continue;
    float* of_row = partial + (lane() / 4 + 8 * half) * (a.kv.head_dim + 2);
    if (part.share == 0 && lane() % 4 == 0) {
      *reinterpret_cast<FloatPair*>(of_row) = {softmax.largest[half], softmax.total[2 * half]};
    }
    KERNELS_UNROLL
    for (std::uint32_t b = 0; b < Form::kSumBlocks; ++b) {
      const std::uint32_t dimension = part.dimension + 8 * b + 2 * (lane() % 4);
      if (dimension >= a.kv.head_dim) continue;
      *reinterpret_cast<FloatPair*>(of_row + 2 + dimension) = {softmax.sums[b][2 * half],
                                                               softmax.sums[b][2 * half + 1]};
    }
  }
}

template <typename Form>
KERNELS_DEVICE void load_partial(const AttentionArguments& a, const BlockRows& block,
                                 const WarpPart<Form>& part, const float* partial,
                                 Softmax<Form>* softmax) {
  softmax->clear();
  KERNELS_UNROLL
  for (std::uint32_t half = 0; half < 2; ++half) {
    if (!part.lane_row(a, block, half).exists) continue;
    const float* of_row = partial + (lane() / 4 + 8 * half) * (a.kv.head_dim + 2);
    const FloatPair state = *reinterpret_cast<const FloatPair*>(of_row);
    softmax->largest[half] = state.low;
    softmax->total[2 * half] = softmax->total[2 * half + 1] = state.high;
    KERNELS_UNROLL
    for (std::uint32_t b = 0; b < Form::kSumBlocks; ++b) {
      const std::uint32_t dimension = part.dimension + 8 * b + 2 * (lane() % 4);
      if (dimension >= a.kv.head_dim) continue;
      const FloatPair pair = *reinterpret_cast<const FloatPair*>(of_row + 2 + dimension);
      softmax->sums[b][2 * half] = pair.low;
      softmax->sums[b][2 * half + 1] = pair.high;
    }
  }
}

// Whether this block is the last of `expected` to come here for a row and group. What the others
// wrote is then seen, and the counter is zero again (CUDA C++ Programming Guide, memory fence
// functions: the example of a sum).
KERNELS_DEVICE bool is_last(std::uint32_t* counter, std::uint32_t expected, std::uint32_t* shared) {
  fence();
  sync_block();
  if (thread() == 0) {
    const bool last = atomic_add(counter, 1) + 1 == expected;
    if (last) *counter = 0;
    *shared = last ? 1 : 0;
  }
  sync_block();
  if (*shared == 0) return false;
  fence();
  return true;
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_PARTIAL_H_
