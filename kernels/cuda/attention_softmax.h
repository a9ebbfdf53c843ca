// The running softmax of a warp's 16 rows (Dao et al. 2022, algorithm 1, in powers of two):
// attention.h states the order.
//
// A lane holds two of the rows, lane / 4 and lane / 4 + 8, as the fragments of a matrix product
// have it: elements 0 and 1 of a block are the first row's, 2 and 3 the second's. All warps of a
// row hold the same `largest` and `total`, made by the same steps.
#ifndef KERNELS_CUDA_ATTENTION_SOFTMAX_H_
#define KERNELS_CUDA_ATTENTION_SOFTMAX_H_

#include <limits>

#include "kernels/cuda/attention_rows.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

constexpr float kNothing = -std::numeric_limits<float>::infinity();  // the largest of no scores

template <typename Form>
struct Softmax {
  float largest[2];
  float total[4];  // a block of sums whose columns are all the same
  float sums[Form::kSumBlocks][4];

  KERNELS_DEVICE void clear() {
    largest[0] = largest[1] = kNothing;
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) total[i] = 0.0F;
    KERNELS_UNROLL
    for (std::uint32_t b = 0; b < Form::kSumBlocks; ++b) {
      KERNELS_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) sums[b][i] = 0.0F;
    }
  }
};

// What exponents are taken against: a row that has seen nothing yet has no largest score, and
// 2^(-inf - 0) is its zero.
KERNELS_DEVICE float base_of(float largest) {
  return largest == kNothing ? 0.0F : largest;
}

template <typename Form>
using Scores = float[Form::kScoreBlocks][4];

// softcap * tanh(score / softcap) in powers of two; x is 2 log2(e) score / softcap, and tanh(y) = 1
// - 2 / (e^2y + 1).
KERNELS_DEVICE float soften(float x, float cap) {
  return cap * (1.0F - divide_rn(2.0F, exp2_fast(x) + 1.0F));
}

// Caps the scores, hides what a row may not see, and returns each row's largest among the warp's
// positions, which begin at `position`.
template <typename Form>
KERNELS_DEVICE void mask_scores(float cap, const Visible (&visible)[2], std::int32_t position,
                                Scores<Form>& scores, float (&largest)[2]) {
  largest[0] = largest[1] = kNothing;
  KERNELS_UNROLL
  for (std::uint32_t b = 0; b < Form::kScoreBlocks; ++b) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      float score = scores[b][i];
      if (cap > 0.0F) score = soften(score, cap);
      const auto column = static_cast<std::int32_t>(8 * b + 2 * (lane() % 4) + i % 2);
      scores[b][i] = visible[i / 2].has(position + column) ? score : kNothing;
      largest[i / 2] = maximum(largest[i / 2], scores[b][i]);
    }
  }
  KERNELS_UNROLL
  for (std::uint32_t row = 0; row < 2; ++row) {
    largest[row] = maximum(largest[row], shuffle_xor(largest[row], 1));
    largest[row] = maximum(largest[row], shuffle_xor(largest[row], 2));
  }
}

// A larger score was found, or none: what was summed shrinks to it.
template <typename Form>
KERNELS_DEVICE void raise(const float (&largest)[2], Softmax<Form>* softmax) {
  float rescale[2];
  KERNELS_UNROLL
  for (std::uint32_t row = 0; row < 2; ++row) {
    const float raised = maximum(softmax->largest[row], largest[row]);
    rescale[row] = exp2_fast(softmax->largest[row] - base_of(raised));
    softmax->largest[row] = raised;
  }
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < 4; ++i) softmax->total[i] = softmax->total[i] * rescale[i / 2];
  KERNELS_UNROLL
  for (std::uint32_t b = 0; b < Form::kSumBlocks; ++b) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i)
      softmax->sums[b][i] = softmax->sums[b][i] * rescale[i / 2];
  }
}

// Scores become weights.
template <typename Form>
KERNELS_DEVICE void weigh(const Softmax<Form>& softmax, Scores<Form>& scores) {
  KERNELS_UNROLL
  for (std::uint32_t b = 0; b < Form::kScoreBlocks; ++b) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      scores[b][i] = exp2_fast(scores[b][i] - base_of(softmax.largest[i / 2]));
    }
  }
}

// Adds a split to those before it. An empty one changes nothing, and to an empty one it is itself:
// 2^-inf is 0, 2^0 is 1.
template <typename Form>
KERNELS_DEVICE void merge(const Softmax<Form>& split, Softmax<Form>* all) {
  float keep[2], take[2];
  KERNELS_UNROLL
  for (std::uint32_t row = 0; row < 2; ++row) {
    const float largest = maximum(all->largest[row], split.largest[row]);
    keep[row] = exp2_fast(all->largest[row] - base_of(largest));
    take[row] = exp2_fast(split.largest[row] - base_of(largest));
    all->largest[row] = largest;
  }
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < 4; ++i)
    all->total[i] = fma(split.total[i], take[i / 2], all->total[i] * keep[i / 2]);
  KERNELS_UNROLL
  for (std::uint32_t b = 0; b < Form::kSumBlocks; ++b) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      all->sums[b][i] = fma(split.sums[b][i], take[i / 2], all->sums[b][i] * keep[i / 2]);
    }
  }
}

// A head's sink: a score that takes part in the largest and the total, without a value.
template <typename Form>
KERNELS_DEVICE void add_sinks(const float (&sinks)[2], Softmax<Form>* softmax) {
  raise<Form>(sinks, softmax);
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < 4; ++i) {
    softmax->total[i] =
        softmax->total[i] + exp2_fast(sinks[i / 2] - base_of(softmax->largest[i / 2]));
  }
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_SOFTMAX_H_
