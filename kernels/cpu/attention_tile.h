// Attention of one tile of queries over one split of positions, and the merging of splits.
//
// Scores: lanes are 16 positions; score = scale * (one fma chain over d ascending). Weights:
// exp(score - max of the split); their sum is by lane (position % 16) ascending, then lanes by
// halves. Values: lanes are 16 dimensions; one fma chain over positions ascending. All of it
// depends on the query and on absolute positions alone. A position that a query must not see is
// never multiplied, so that no NaN of another row can reach it.
#ifndef KERNELS_CPU_ATTENTION_TILE_H_
#define KERNELS_CPU_ATTENTION_TILE_H_

#include "kernels/cpu/kv_element.h"
#include "kernels/cpu/vector_math.h"

namespace kernels::cpu {
namespace {

struct Range {
  std::size_t first;
  std::size_t last;  // one past the end
};

// Positions of split `split` that row `row` of the tile sees; empty when first >= last.
KERNELS_INLINE Range seen_by(const AttentionTile& tile, std::size_t row, std::size_t split) {
  const std::size_t end = tile.first_position + row + 1;
  const auto window = static_cast<std::size_t>(tile.args->window > 0 ? tile.args->window : 0);
  const std::size_t begin = window > 0 && end > window ? end - window : 0;
  const std::size_t split_begin = split * kSplit;
  const std::size_t split_end = split_begin + kSplit;
  return {begin > split_begin ? begin : split_begin, end < split_end ? end : split_end};
}

KERNELS_INLINE const float* query_of(const AttentionTile& tile, std::size_t query) {
  const std::size_t row = tile.first_row + query / tile.group;
  const std::size_t head = tile.kv_head * tile.group + query % tile.group;
  return tile.args->q + row * tile.args->q_stride + head * tile.view->head_dim;
}

// The elements of a position's block for the tile's head, in keys or values.
template <typename Kv>
KERNELS_INLINE const typename Kv::Word* block_of(const AttentionTile& tile,
                                                 const std::uint8_t* base, std::size_t position) {
  const auto block = static_cast<std::size_t>(tile.block_table[position / tile.view->block_tokens]);
  const std::size_t offset = block * tile.view->block_bytes + tile.kv_head * tile.view->head_bytes;
  return reinterpret_cast<const typename Kv::Word*>(base + offset);
}

template <typename L, typename Kv, std::size_t kQueries>
void score_queries(const AttentionTile& tile, std::size_t query, const typename Kv::Word* keys,
                   float* scores) {
  const float* q[kQueries];
  typename L::F acc[kQueries];
  unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
    q[i] = query_of(tile, query + i);
    acc[i] = L::zero();
  });
  for (std::size_t d = 0; d < tile.view->head_dim; ++d) {
    const auto key = Kv::template load<L>(keys + d * kLanes);
    unroll<kQueries>(
        [&](auto i) KERNELS_INLINE_LAMBDA { acc[i] = L::fma(key, L::broadcast(q[i][d]), acc[i]); });
  }
  const auto scale = L::broadcast(tile.args->scale);
  unroll<kQueries>(
      [&](auto i) KERNELS_INLINE_LAMBDA { L::store(scores + i * kSplit, L::mul(acc[i], scale)); });
}

// Scores of the 16 positions from `position` on (a multiple of 16) for every query of the tile.
template <typename L, typename Kv>
void score_group(const AttentionTile& tile, std::size_t position, float* scores) {
  const std::size_t slot = position % tile.view->block_tokens;
  const auto* keys = block_of<Kv>(tile, tile.view->keys, position) + slot * tile.view->padded_dim;
  const std::size_t queries = tile.rows * tile.group;
  for (std::size_t query = 0; query < queries;) {
    const std::size_t step = even_step(queries - query, L::kScoreQueries);
    with_constant<L::kScoreQueries>(step, [&](auto count) KERNELS_INLINE_LAMBDA {
      score_queries<L, Kv, decltype(count)::kValue>(tile, query, keys, scores + query * kSplit);
    });
    query += step;
  }
}

// scores[position % kSplit] becomes exp(score - max) within
// `seen`, and max and sum go into the partial.
template <typename L>
void weigh(Range seen, std::size_t split_begin, float* scores, float* max_out, float* sum_out) {
  const auto minus_infinity = L::broadcast(-__builtin_inff());
  const std::size_t first = (seen.first - split_begin) / kLanes * kLanes;
  const std::size_t last = seen.last - split_begin;
  auto largest = minus_infinity;
  for (std::size_t at = first; at < last; at += kLanes) {
    const std::size_t from = seen.first > split_begin + at ? seen.first - split_begin - at : 0;
    const std::size_t to = last - at < kLanes ? last - at : kLanes;
    const auto masked = L::keep_range(L::load(scores + at), static_cast<int>(from),
                                      static_cast<int>(to), minus_infinity);
    L::store(scores + at, masked);
    largest = L::max(largest, masked);
  }
  const float max = max_lanes<L>(largest);
  const auto max_everywhere = L::broadcast(max);
  auto sum = L::zero();
  for (std::size_t at = first; at < last; at += kLanes) {
    const auto weight = exp<L>(L::sub(L::load(scores + at), max_everywhere));
    L::store(scores + at, weight);
    sum = L::add(sum, weight);
  }
  *max_out = max;
  *sum_out = sum_lanes<L>(sum);
}

// sums[query][dim] = fma(weight of position, value[position][dim], sums) for positions ascending.
template <typename L, typename Kv, std::size_t kQueries, std::size_t kVectors>
void mix(const typename Kv::Word* values, std::size_t padded_dim, std::size_t positions,
         const float* weights, float* sums, std::size_t sums_stride) {
  typename L::F acc[kQueries][kVectors];
  unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
    unroll<kVectors>([&](auto v) KERNELS_INLINE_LAMBDA {
      acc[i][v] = L::load(sums + i * sums_stride + v * 16);
    });
  });
  for (std::size_t p = 0; p < positions; ++p) {
    unroll<kVectors>([&](auto v) KERNELS_INLINE_LAMBDA {
      const auto value = Kv::template load<L>(values + p * padded_dim + v * 16);
      unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
        acc[i][v] = L::fma(L::broadcast(weights[i * kSplit + p]), value, acc[i][v]);
      });
    });
  }
  unroll<kQueries>([&](auto i) KERNELS_INLINE_LAMBDA {
    unroll<kVectors>([&](auto v) KERNELS_INLINE_LAMBDA {
      L::store(sums + i * sums_stride + v * 16, acc[i][v]);
    });
  });
}

template <typename L, typename Kv, std::size_t kQueries>
void mix_dims(const typename Kv::Word* values, std::size_t padded_dim, std::size_t positions,
              const float* weights, float* sums, std::size_t sums_stride) {
  constexpr std::size_t kWide = kLanes * L::kMixVectors;
  std::size_t d = 0;
  for (; d + kWide <= padded_dim; d += kWide) {
    mix<L, Kv, kQueries, L::kMixVectors>(values + d, padded_dim, positions, weights, sums + d,
                                         sums_stride);
  }
  for (; d < padded_dim; d += kLanes) {
    mix<L, Kv, kQueries, 1>(values + d, padded_dim, positions, weights, sums + d, sums_stride);
  }
}

// Adds the positions of `range`, all of which every query of [first_query, last_query) sees.
template <typename L, typename Kv>
void mix_range(const AttentionTile& tile, Range range, std::size_t first_query,
               std::size_t last_query, const float* scores, float* partials) {
  const KvView& view = *tile.view;
  const std::size_t stride = view.padded_dim + kPartialExtra;
  for (std::size_t p = range.first; p < range.last;) {
    const std::size_t slot = p % view.block_tokens;
    const std::size_t left_in_block = view.block_tokens - slot;
    const std::size_t count = range.last - p < left_in_block ? range.last - p : left_in_block;
    const auto* values = block_of<Kv>(tile, view.values, p) + slot * view.padded_dim;
    for (std::size_t query = first_query; query < last_query;) {
      const float* weights = scores + query * kSplit + p % kSplit;
      float* sums = partials + query * stride;
      const std::size_t step = even_step(last_query - query, L::kMixQueries);
      with_constant<L::kMixQueries>(step, [&](auto together) KERNELS_INLINE_LAMBDA {
        mix_dims<L, Kv, decltype(together)::kValue>(values, view.padded_dim, count, weights, sums,
                                                    stride);
      });
      query += step;
    }
    p += count;
  }
}

// The values, weighed. Rows are in ascending position, so the rows that see a position are a run,
// which changes only where some row's range begins or ends.
template <typename L, typename Kv>
void mix_values(const AttentionTile& tile, std::size_t split, Range all, const float* scores,
                float* partials) {
  for (std::size_t p = all.first; p < all.last;) {
    std::size_t first_row = tile.rows;
    std::size_t last_row = 0;
    std::size_t next = all.last;
    for (std::size_t row = 0; row < tile.rows; ++row) {
      const Range seen = seen_by(tile, row, split);
      if (seen.first >= seen.last) continue;
      if (seen.first > p && seen.first < next) next = seen.first;
      if (seen.last > p && seen.last < next) next = seen.last;
      if (seen.first <= p && p < seen.last) {
        first_row = row < first_row ? row : first_row;
        last_row = row + 1;
      }
    }
    if (first_row < last_row) {
      mix_range<L, Kv>(tile, {p, next}, first_row * tile.group, last_row * tile.group, scores,
                       partials);
    }
    p = next;
  }
}

template <typename L, typename Kv>
void attend_split_of(const AttentionTile& tile, std::size_t split, float* scores, float* partials) {
  const std::size_t stride = tile.view->padded_dim + kPartialExtra;
  __builtin_memset(partials, 0, tile.rows * tile.group * stride * sizeof(float));
  Range all{~std::size_t{0}, 0};
  for (std::size_t row = 0; row < tile.rows; ++row) {
    const Range seen = seen_by(tile, row, split);
    if (seen.first >= seen.last) continue;
    if (seen.first < all.first) all.first = seen.first;
    if (seen.last > all.last) all.last = seen.last;
  }
  if (all.first >= all.last) return;

  for (std::size_t p = all.first / kLanes * kLanes; p < all.last; p += kLanes) {
    score_group<L, Kv>(tile, p, scores + p % kSplit);
  }
  for (std::size_t query = 0; query < tile.rows * tile.group; ++query) {
    const Range seen = seen_by(tile, query / tile.group, split);
    if (seen.first >= seen.last) continue;
    float* max_and_sum = partials + query * stride + tile.view->padded_dim;
    weigh<L>(seen, split * kSplit, scores + query * kSplit, &max_and_sum[0], &max_and_sum[1]);
  }
  mix_values<L, Kv>(tile, split, all, scores, partials);
}

template <typename L>
void attend_split(const AttentionTile& tile, std::size_t split, float* scores, float* partials) {
  if (tile.view->format == KvFormat::kF16)
    return attend_split_of<L, KvF16>(tile, split, scores, partials);
  attend_split_of<L, KvF32>(tile, split, scores, partials);
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
    const auto keep = exp<L>(L::broadcast(my_max - max));
    const auto take = exp<L>(L::broadcast(other_max - max));
    for (std::size_t d = 0; d < padded_dim; d += kLanes) {
      L::store(mine + d, L::fma(L::load(other + d), take, L::mul(L::load(mine + d), keep)));
    }
    const auto sum =
        L::fma(L::broadcast(other_sum), take, L::mul(L::broadcast(mine[padded_dim + 1]), keep));
    mine[padded_dim] = max;
    L::store_part(mine + padded_dim + 1, sum, 1);
  }
}

template <typename L>
void write_attention(const AttentionTile& tile, const float* state) {
  const std::size_t head_dim = tile.view->head_dim;
  const std::size_t stride = tile.view->padded_dim + kPartialExtra;
  for (std::size_t query = 0; query < tile.rows * tile.group; ++query) {
    const std::size_t row = tile.first_row + query / tile.group;
    const std::size_t head = tile.kv_head * tile.group + query % tile.group;
    float* out = tile.args->out + row * tile.args->out_stride + head * head_dim;
    const float* sums = state + query * stride;
    const auto total = L::broadcast(sums[tile.view->padded_dim + 1]);
    for (std::size_t d = 0; d < head_dim; d += kLanes) {
      const std::size_t count = head_dim - d < kLanes ? head_dim - d : kLanes;
      L::store_part(out + d, L::div(L::load(sums + d), total), count);
    }
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_ATTENTION_TILE_H_
