// The two inner loops of attention, on as many queries and vectors as the registers hold, and the
// order in which queries are laid out for them.
//
// A group is 16 cached positions of one head: its keys are [head_dim][16 positions], so a score's
// lanes are positions; its values are [16 positions][padded_dim], so a sum's lanes are dimensions.
#ifndef KERNELS_CPU_ATTENTION_REGISTERS_H_
#define KERNELS_CPU_ATTENTION_REGISTERS_H_

#include "kernels/cpu/kv_element.h"

namespace kernels::cpu {
namespace {

constexpr std::size_t kSplitGroups = kSplit / kLanes;

// Groups first … last - 1, or positions, of a split.
struct Range {
  std::size_t first;
  std::size_t last;  // one past the end
};

// Groups of a split, in the order in which they are read; kAhead of them further on is what will be
// read next: the values follow the keys, and the last group is repeated.
constexpr std::size_t kAhead = 4;
using Groups = const std::uint8_t* const*;

// body(first, count) for `total` queries in even steps of at most kMax.
template <std::size_t kMax, typename Body>
KERNELS_INLINE void for_steps(std::size_t total, const Body& body) {
  for (std::size_t at = 0; at < total;) {
    const std::size_t count = even_step(total - at, kMax);
    body(at, count);
    at += count;
  }
}

// Groups scored together with kQueries queries: a power of two.
template <typename L, std::size_t kQueries>
constexpr std::size_t score_groups() {
  if (4 * kQueries <= L::kScoreTile) return 4;
  return 2 * kQueries <= L::kScoreTile ? 2 : 1;
}

// The blocks of a sequence lie anywhere: the processor's own prefetching begins anew at each.
KERNELS_INLINE void prefetch_group(const std::uint8_t* group, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 64) __builtin_prefetch(group + at);
}

// scores[query][position] = one fma chain over d ascending of key[d] * queries[d][query], for all
// positions of the groups of `range`, which is not empty. Positions of up to three groups beside
// the range, within the same four, are overwritten with no meaning.
template <typename L, typename Kv, std::size_t kQueries>
void score(Groups groups, bool prefetch, Range range, const KvView& view, const float* queries,
           float* scores) {
  constexpr std::size_t kGroups = score_groups<L, kQueries>();
  for (std::size_t at = range.first / kGroups * kGroups; at < range.last; at += kGroups) {
    const std::uint8_t* group[kGroups];
    typename L::F acc[kGroups][kQueries];
    unroll<kGroups>([&](auto g) KERNELS_INLINE_LAMBDA {
      const std::size_t after = at + g < range.first ? range.first : at + g;
      group[g] = groups[after < range.last ? after : range.last - 1];
      unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA { acc[g][i] = L::zero(); });
    });
    for (std::size_t g = at; prefetch && g < at + kGroups && g < range.last; ++g)
      prefetch_group(groups[g + kAhead], view.group_bytes);
    for (std::size_t base = 0; base < view.head_dim; base += kBlock) {
      const std::size_t end = view.head_dim - base < kBlock ? view.head_dim : base + kBlock;
      typename Kv::template Scale<L> scales[kGroups];
      unroll<kGroups>([&](auto g) KERNELS_INLINE_LAMBDA {
        scales[g] = Kv::template scales<L>(group[g], view.padded_dim, base / kBlock);
      });
      for (std::size_t d = base; d < end; ++d) {
        typename L::F key[kGroups];
        unroll<kGroups>([&](auto g) KERNELS_INLINE_LAMBDA {
          key[g] = Kv::template load<L>(group[g], d * kLanes, scales[g]);
        });
        unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
          const auto query = L::broadcast(queries[d * kQueries + i]);
          unroll<kGroups>(
              [&](auto g) KERNELS_INLINE_LAMBDA { acc[g][i] = L::fma(key[g], query, acc[g][i]); });
        });
      }
    }
    unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
      unroll<kGroups>([&](auto g) KERNELS_INLINE_LAMBDA {
        L::store(scores + i * kSplit + (at + g) * kLanes, acc[g][i]);
      });
    });
  }
}

// sums[query][dim …] = fma(weights[query][position], value[position][dim …], sums) for `positions`
// of the split, ascending; prefetch_bytes of each group ahead are asked for; kVectors vectors from
// dimension `dim` on.
template <typename L, typename Kv, std::size_t kQueries, std::size_t kVectors>
void mix(Groups groups, std::size_t prefetch_bytes, Range positions, std::size_t dim,
         std::size_t padded_dim, const float* weights, float* sums) {
  const std::size_t stride = padded_dim + kPartialExtra;
  typename L::F acc[kQueries][kVectors];
  unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
    unroll<kVectors>([&](auto v) KERNELS_INLINE_LAMBDA {
      acc[i][v] = L::load(sums + i * stride + dim + v * kLanes);
    });
  });
  for (std::size_t p = positions.first; p < positions.last;) {
    const std::uint8_t* group = groups[p / kLanes];
    if (prefetch_bytes > 0 && dim == 0) prefetch_group(groups[p / kLanes + kAhead], prefetch_bytes);
    const std::size_t group_end = p / kLanes * kLanes + kLanes;
    const std::size_t end = group_end < positions.last ? group_end : positions.last;
    ValueScales<L, Kv> scales[kVectors];
    unroll<kVectors>([&](auto v) KERNELS_INLINE_LAMBDA {
      scales[v].read(group, padded_dim, (dim + v * kLanes) / kBlock);
    });
    for (; p < end; ++p) {
      const std::size_t slot = p % kLanes;
      typename L::F value[kVectors];
      unroll<kVectors>([&](auto v) KERNELS_INLINE_LAMBDA {
        value[v] =
            Kv::template load<L>(group, slot * padded_dim + dim + v * kLanes, scales[v].of(slot));
      });
      unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
        const auto weight = L::broadcast(weights[i * kSplit + p]);
        unroll<kVectors>(
            [&](auto v) KERNELS_INLINE_LAMBDA { acc[i][v] = L::fma(weight, value[v], acc[i][v]); });
      });
    }
  }
  unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
    unroll<kVectors>([&](auto v) KERNELS_INLINE_LAMBDA {
      L::store(sums + i * stride + dim + v * kLanes, acc[i][v]);
    });
  });
}

template <typename L, typename Kv, std::size_t kQueries>
void mix_all_dims(Groups groups, std::size_t prefetch_bytes, Range positions,
                  std::size_t padded_dim, const float* weights, float* sums) {
  constexpr std::size_t kFit = L::kMixTile / kQueries;
  constexpr std::size_t kVectorsMax = kFit < 4 ? kFit : 4;
  for_steps<kVectorsMax>(padded_dim / kLanes, [&](std::size_t first, std::size_t count) {
    with_constant<kVectorsMax>(count, [&](auto vectors) KERNELS_INLINE_LAMBDA {
      mix<L, Kv, kQueries, decltype(vectors)::kValue>(groups, prefetch_bytes, positions,
                                                      first * kLanes, padded_dim, weights, sums);
    });
  });
}

// Elements of a group of keys, or of values, as floats in the same places.
template <typename L, typename Kv>
void widen_keys(const std::uint8_t* group, const KvView& view, float* out) {
  for (std::size_t base = 0; base < view.head_dim; base += kBlock) {
    const std::size_t end = view.head_dim - base < kBlock ? view.head_dim : base + kBlock;
    const auto scales = Kv::template scales<L>(group, view.padded_dim, base / kBlock);
    for (std::size_t d = base; d < end; ++d)
      L::store(out + d * kLanes, Kv::template load<L>(group, d * kLanes, scales));
  }
}

template <typename L, typename Kv>
void widen_values(const std::uint8_t* group, const KvView& view, float* out) {
  for (std::size_t d = 0; d < view.padded_dim; d += kLanes) {
    ValueScales<L, Kv> scales;
    scales.read(group, view.padded_dim, d / kBlock);
    for (std::size_t slot = 0; slot < kLanes; ++slot) {
      const std::size_t index = slot * view.padded_dim + d;
      L::store(out + index, Kv::template load<L>(group, index, scales.of(slot)));
    }
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_ATTENTION_REGISTERS_H_
