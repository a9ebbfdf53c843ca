// Attention of one tile of queries over one split of positions.
//
// Scores: lanes are 16 positions; score = one fma chain over d ascending, of the query times scale
// * log2 e. Weights: 2^(score - max of the split); their sum is by lane (position % 16) ascending,
// then lanes by halves. Values: lanes are 16 dimensions; one fma chain over positions ascending.
// All of it depends on the query and on absolute positions alone. A value that a query must not see
// is never multiplied, so that no NaN of another row can reach it.
//
// A tile of more queries than one register tile holds has keys and values widened to floats first,
// a chunk that fits the first-level cache at a time.
#ifndef KERNELS_CPU_ATTENTION_TILE_H_
#define KERNELS_CPU_ATTENTION_TILE_H_

#include <type_traits>

#include "kernels/cpu/attention_registers.h"
#include "kernels/cpu/softmax.h"

namespace kernels::cpu {
namespace {

constexpr float kLog2E = 1.44269504F;

// Positions of the split that row `row` of the tile sees; empty when first >= last.
KERNELS_INLINE Range seen_by(const AttentionTile& tile, std::size_t row, std::size_t split) {
  const std::size_t end = tile.first_position + row + 1;
  const auto window = static_cast<std::size_t>(tile.args->window > 0 ? tile.args->window : 0);
  const std::size_t begin = window > 0 && end > window ? end - window : 0;
  const std::size_t base = split * kSplit;
  const auto within = [base](std::size_t position) {
    if (position <= base) return std::size_t{0};
    return position - base < kSplit ? position - base : kSplit;
  };
  return {within(begin), within(end)};
}

// What any of the rows first … last - 1 sees: rows are adjacent, so both ends ascend.
KERNELS_INLINE Range seen_by_rows(const AttentionTile& tile, std::size_t first, std::size_t last,
                                  std::size_t split) {
  return {seen_by(tile, first, split).first, seen_by(tile, last - 1, split).last};
}

// Rows of the queries first … first + count - 1.
KERNELS_INLINE Range rows_of(const AttentionTile& tile, std::size_t first, std::size_t count) {
  return {first / tile.group, (first + count - 1) / tile.group + 1};
}

KERNELS_INLINE Range overlap(Range a, Range b) {
  return {a.first > b.first ? a.first : b.first, a.last < b.last ? a.last : b.last};
}

// Lays the queries out as `score` reads them, [step][d][query of the step], scaled.
template <typename L>
void pack_queries(const AttentionTile& tile, float* out) {
  const std::size_t head_dim = tile.view->head_dim;
  const float scale = tile.args->scale * kLog2E;
  for_steps<L::kScoreQueries>(tile.rows * tile.group, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = tile.first_row + (first + i) / tile.group;
      const std::size_t head = tile.kv_head * tile.group + (first + i) % tile.group;
      const float* q = tile.args->q + row * tile.args->q_stride + head * head_dim;
      float* to = out + first * head_dim + i;
      for (std::size_t d = 0; d < head_dim; ++d) to[d * count] = q[d] * scale;
    }
  });
}

// Where the groups of `range` lie, in keys or values.
KERNELS_INLINE void find_groups(const AttentionTile& tile, std::size_t split, Range range,
                                const std::uint8_t* base, const std::uint8_t** groups) {
  const KvView& view = *tile.view;
  for (std::size_t g = range.first; g < range.last; ++g) {
    const std::size_t position = split * kSplit + g * kLanes;
    const auto block = static_cast<std::size_t>(tile.block_table[position / view.block_tokens]);
    groups[g] = base + block * view.block_bytes + tile.kv_head * view.head_bytes +
                position % view.block_tokens / kLanes * view.group_bytes;
  }
}

// A multiple of the groups that `score` takes together.
KERNELS_INLINE std::size_t widened_groups(std::size_t padded_dim) {
  const std::size_t fit = kWidenedFloats / (kLanes * padded_dim);
  return fit < kWidenedGroupsMin ? kWidenedGroupsMin : fit / kWidenedGroupsMin * kWidenedGroupsMin;
}

// use(element type, groups, range): either all groups as they are, or chunk by chunk as floats.
template <typename L, typename Kv, typename Widen, typename Use>
KERNELS_INLINE void for_chunks(Groups groups, Range range, const KvView& view, float* widened,
                               bool widens, const Widen& widen, const Use& use) {
  if (std::is_same_v<Kv, KvF32> || !widens) return use(Kv{}, groups, range);
  const std::size_t group_floats = kLanes * view.padded_dim;
  const std::size_t chunk = widened_groups(view.padded_dim);
  for (std::size_t at = range.first; at < range.last;) {
    const std::size_t chunk_end = (at / chunk + 1) * chunk;
    const Range part{at, chunk_end < range.last ? chunk_end : range.last};
    const std::uint8_t* floats[kSplitGroups];
    for (std::size_t g = part.first; g < part.last; ++g) {
      float* out = widened + (g - part.first) * group_floats;
      prefetch_group(groups[g + kAhead], view.group_bytes);
      widen(groups[g], out);
      floats[g] = reinterpret_cast<const std::uint8_t*>(out);
    }
    use(KvF32{}, floats, part);
    at = part.last;
  }
}

// body(query, positions of the groups of `range` that it sees) where these are any.
template <typename Body>
KERNELS_INLINE void for_seen(const AttentionTile& tile, std::size_t split, Range range,
                             std::size_t first, std::size_t count, const Body& body) {
  for (std::size_t query = first; query < first + count; ++query) {
    const Range own = overlap({range.first * kLanes, range.last * kLanes},
                              seen_by(tile, query / tile.group, split));
    if (own.first < own.last) body(query, own);
  }
}

template <typename L, typename Kv>
void score_groups_of(const AttentionTile& tile, std::size_t split, Groups groups, bool prefetch,
                     Range range, const AttentionScratch& scratch) {
  for_steps<L::kScoreQueries>(tile.rows * tile.group, [&](std::size_t first, std::size_t count) {
    const Range rows = rows_of(tile, first, count);
    const Range seen = seen_by_rows(tile, rows.first, rows.last, split);
    const Range step = overlap(range, {seen.first / kLanes, (seen.last + kLanes - 1) / kLanes});
    if (step.first >= step.last) return;
    with_constant<L::kScoreQueries>(count, [&](auto queries) KERNELS_INLINE_LAMBDA {
      score<L, Kv, decltype(queries)::kValue>(groups, prefetch && first == 0, step, *tile.view,
                                              scratch.queries + first * tile.view->head_dim,
                                              scratch.scores + first * kSplit);
    });
    for_seen(tile, split, range, first, count, [&](std::size_t query, Range own) {
      find_largest<L>(own, scratch.scores + query * kSplit, scratch.lanes + query * kLanes);
    });
  });
}

// The values, weighed, for queries first … first + count - 1. Rows are in ascending position, so
// those that see a position are a run, which changes only where some row's range begins or ends.
template <typename L, typename Kv>
void mix_step(const AttentionTile& tile, std::size_t split, Groups groups,
              std::size_t prefetch_bytes, Range positions, std::size_t first, std::size_t count,
              const float* scores, float* partials) {
  const std::size_t stride = tile.view->padded_dim + kPartialExtra;
  const Range rows = rows_of(tile, first, count);
  for (std::size_t p = positions.first; p < positions.last;) {
    Range run{rows.last, rows.first};
    std::size_t next = positions.last;
    for (std::size_t row = rows.first; row < rows.last; ++row) {
      const Range seen = seen_by(tile, row, split);
      if (seen.first >= seen.last) continue;
      if (seen.first > p && seen.first < next) next = seen.first;
      if (seen.last > p && seen.last < next) next = seen.last;
      if (seen.first <= p && p < seen.last) {
        run.first = row < run.first ? row : run.first;
        run.last = row + 1;
      }
    }
    const Range queries =
        overlap({run.first * tile.group, run.last * tile.group}, {first, first + count});
    if (queries.first < queries.last) {
      with_constant<L::kMixQueries>(
          queries.last - queries.first, [&](auto together) KERNELS_INLINE_LAMBDA {
            mix_all_dims<L, Kv, decltype(together)::kValue>(
                groups, prefetch_bytes, {p, next}, tile.view->padded_dim,
                scores + queries.first * kSplit, partials + queries.first * stride);
          });
    }
    p = next;
  }
}

template <typename L, typename Kv>
void mix_groups_of(const AttentionTile& tile, std::size_t split, Groups groups, bool prefetch,
                   Range range, const AttentionScratch& scratch, float* partials) {
  const std::size_t stride = tile.view->padded_dim + kPartialExtra;
  for_steps<L::kMixQueries>(tile.rows * tile.group, [&](std::size_t first, std::size_t count) {
    const Range rows = rows_of(tile, first, count);
    const Range positions = overlap({range.first * kLanes, range.last * kLanes},
                                    seen_by_rows(tile, rows.first, rows.last, split));
    for_seen(tile, split, range, first, count, [&](std::size_t query, Range own) {
      weigh<L>(own, partials[query * stride + tile.view->padded_dim],
               scratch.scores + query * kSplit, scratch.lanes + query * kLanes);
    });
    mix_step<L, Kv>(tile, split, groups, prefetch && first == 0 ? tile.view->group_bytes : 0,
                    positions, first, count, scratch.scores, partials);
  });
}

template <typename L, typename Kv>
void attend_split_of(const AttentionTile& tile, std::size_t split, const AttentionScratch& scratch,
                     float* partials) {
  const KvView& view = *tile.view;
  const std::size_t queries = tile.rows * tile.group;
  const std::size_t stride = view.padded_dim + kPartialExtra;
  __builtin_memset(partials, 0, queries * stride * sizeof(float));
  const Range seen = seen_by_rows(tile, 0, tile.rows, split);
  if (seen.first >= seen.last) return;

  const Range range{seen.first / kLanes, (seen.last + kLanes - 1) / kLanes};
  const bool widens = queries > L::kScoreQueries;
  for (std::size_t query = 0; query < queries; ++query) {
    L::store(scratch.lanes + query * kLanes, L::broadcast(-__builtin_inff()));
  }
  const std::uint8_t* order[2 * kSplitGroups + kAhead];
  const std::uint8_t** values = order + (range.last - range.first);
  find_groups(tile, split, range, view.keys, order);
  find_groups(tile, split, range, view.values, values);
  for (std::size_t i = 0; i < kAhead; ++i) values[range.last + i] = values[range.last - 1];
  for_chunks<L, Kv>(
      order, range, view, scratch.widened, widens,
      [&](const std::uint8_t* group, float* out) { widen_keys<L, Kv>(group, view, out); },
      [&](auto element, Groups at, Range part) {
        score_groups_of<L, decltype(element)>(tile, split, at, !widens, part, scratch);
      });
  for (std::size_t query = 0; query < queries; ++query) {
    float* lanes = scratch.lanes + query * kLanes;
    partials[query * stride + view.padded_dim] = max_lanes<L>(L::load(lanes));
    L::store(lanes, L::zero());
  }
  for_chunks<L, Kv>(
      values, range, view, scratch.widened, widens,
      [&](const std::uint8_t* group, float* out) { widen_values<L, Kv>(group, view, out); },
      [&](auto element, Groups at, Range part) {
        mix_groups_of<L, decltype(element)>(tile, split, at, !widens, part, scratch, partials);
      });
  for (std::size_t query = 0; query < queries; ++query) {
    partials[query * stride + view.padded_dim + 1] =
        sum_lanes<L>(L::load(scratch.lanes + query * kLanes));
  }
}

template <typename L>
void attend_split(const AttentionTile& tile, std::size_t split, const AttentionScratch& scratch,
                  float* partials) {
  switch (tile.view->format) {
    case KvFormat::kF32:
      return attend_split_of<L, KvF32>(tile, split, scratch, partials);
    case KvFormat::kF16:
      return attend_split_of<L, KvF16>(tile, split, scratch, partials);
    case KvFormat::kQ8_0:
      return attend_split_of<L, KvQ8>(tile, split, scratch, partials);
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
