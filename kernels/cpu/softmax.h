// The softmax of one split of positions, and the merging of splits: powers of two throughout, since
// queries come scaled by log2 e.
#ifndef KERNELS_CPU_SOFTMAX_H_
#define KERNELS_CPU_SOFTMAX_H_

#include "kernels/cpu/attention_registers.h"
#include "kernels/cpu/vector_math.h"

namespace kernels::cpu {
namespace {

// body(offset, Constant<vectors>) for positions first … last - 1, multiples of 16, four vectors at
// a time while there are four.
template <typename Body>
KERNELS_INLINE void for_vectors(std::size_t first, std::size_t last, const Body& body) {
  std::size_t at = first;
  for (; at + 4 * kLanes <= last; at += 4 * kLanes) body(at, Constant<4>{});
  for (; at < last; at += kLanes) body(at, Constant<1>{});
}

// The whole vectors that hold the positions of `seen`, which is not empty.
KERNELS_INLINE Range vectors_of(Range seen) {
  return {seen.first / kLanes * kLanes, (seen.last + kLanes - 1) / kLanes * kLanes};
}

// Makes the scores of one vector minus infinity where they are not `seen`.
template <typename L>
KERNELS_INLINE void hide_unseen(Range seen, std::size_t at, float* scores) {
  const std::size_t from = seen.first > at ? seen.first - at : 0;
  const std::size_t to = seen.last - at < kLanes ? seen.last - at : kLanes;
  const auto kept = L::keep_range(L::load(scores + at), static_cast<int>(from),
                                  static_cast<int>(to), L::broadcast(-__builtin_inff()));
  L::store(scores + at, kept);
}

// largest[lane] becomes the largest of itself and of the scores of `seen` in that lane; scores
// beside `seen` in its first and last vector become minus infinity.
template <typename L>
KERNELS_INLINE void find_largest(Range seen, float* scores, float* largest) {
  const Range vectors = vectors_of(seen);
  if (seen.first != vectors.first) hide_unseen<L>(seen, vectors.first, scores);
  if (seen.last != vectors.last) hide_unseen<L>(seen, vectors.last - kLanes, scores);
  auto max = L::load(largest);
  for_vectors(vectors.first, vectors.last, [&](std::size_t at, auto count) KERNELS_INLINE_LAMBDA {
    unroll<decltype(count)::kValue>([&](auto i) KERNELS_INLINE_LAMBDA {
      max = L::max(max, L::load(scores + at + i * kLanes));
    });
  });
  L::store(largest, max);
}

// scores[position] becomes 2^(score - max) in the vectors of `seen`; sums[lane] grows by them.
template <typename L>
KERNELS_INLINE void weigh(Range seen, float max, float* scores, float* sums) {
  const Range vectors = vectors_of(seen);
  const auto max_everywhere = L::broadcast(max);
  auto sum = L::load(sums);
  for_vectors(vectors.first, vectors.last, [&](std::size_t at, auto count) KERNELS_INLINE_LAMBDA {
    unroll<decltype(count)::kValue>([&](auto i) KERNELS_INLINE_LAMBDA {
      const auto below = L::sub(L::load(scores + at + i * kLanes), max_everywhere);
      const auto weight = exp2_of_negative<L>(below);
      L::store(scores + at + i * kLanes, weight);
      sum = L::add(sum, weight);
    });
  });
  L::store(sums, sum);
}

// The online softmax (Milakov and Gimelshein 2018; Dao et al. 2022, algorithm 1): both sides are
// brought to the larger maximum and added.
template <typename L>
void merge_partials(float* state, const float* partials, std::size_t queries,
                    std::size_t padded_dim) {
  const std::size_t stride = padded_dim + kPartialExtra;
  for (std::size_t query = 0; query < queries; ++query) {
    float* mine = state + query * stride;
    const float* other = partials + query * stride;
    const float other_sum = other[padded_dim + 1];
    if (other_sum == 0.0F) continue;
    const bool empty = mine[padded_dim + 1] == 0.0F;
    const float other_max = other[padded_dim];
    const float my_max = empty ? other_max : mine[padded_dim];
    const float max = my_max > other_max ? my_max : other_max;
    const auto keep = exp2_of_negative<L>(L::broadcast(my_max - max));
    const auto take = exp2_of_negative<L>(L::broadcast(other_max - max));
    for (std::size_t d = 0; d < padded_dim; d += kLanes) {
      L::store(mine + d, L::fma(L::load(other + d), take, L::mul(L::load(mine + d), keep)));
    }
    const auto sum =
        L::fma(L::broadcast(other_sum), take, L::mul(L::broadcast(mine[padded_dim + 1]), keep));
    mine[padded_dim] = max;
    L::store_part(mine + padded_dim + 1, sum, 1);
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_SOFTMAX_H_
