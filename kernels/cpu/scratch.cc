#include "kernels/cpu/scratch.h"

#include <algorithm>
#include <new>

namespace kernels::cpu {
namespace {

// With this many tasks per thread or more, a call is
// parallel enough without cutting sequences into splits.
constexpr std::size_t kTasksPerThread = 4;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

bool Scratch::plan(const Limits& limits, std::size_t threads, Arena* arena) {
  bool ok = limits.rows_max > 0;
  const auto take = [&](auto** out, std::size_t count) {
    using T = std::remove_reference_t<decltype(**out)>;
    Arena::Piece piece;
    std::size_t piece_bytes = 0;
    ok = ok && !__builtin_mul_overflow(count, sizeof(T), &piece_bytes) &&
         arena->allocate(piece_bytes, true, &piece);
    bytes += piece_bytes;
    *out = piece.as<T>();
    pieces_.push_back(std::move(piece));
  };
  take(&quant, limits.rows_max * (limits.cols_max / kBlock) + kTileRows);
  take(&floats, limits.rows_max * limits.cols_max);
  take(&logit_parts, limits.rows_max * kLogitChunks * 2);

  const std::size_t padded_dim = round_up(limits.head_dim_max, kLanes);
  task_queries = std::max(kBigTileQueries, limits.heads_max);
  split_queries = std::max(kTileQueries, limits.heads_max);
  partial_floats = padded_dim + kPartialExtra;
  splits_max = (limits.context_tokens_max + kSplit - 1) / kSplit;
  split_tasks_max = kTasksPerThread * threads;
  take(&attention, threads);
  for (std::size_t thread = 0; ok && thread < threads; ++thread) {
    AttentionScratch& own = attention[thread];
    take(&own.queries, task_queries * padded_dim);
    take(&own.scores, task_queries * kSplit);
    take(&own.lanes, task_queries * kLanes);
    take(&own.widened, std::max(kWidenedFloats, kWidenedGroupsMin * kLanes * padded_dim));
  }
  take(&states, threads * 2 * task_queries * partial_floats);
  take(&split_partials, split_tasks_max * splits_max * split_queries * partial_floats);
  take(&tiles, limits.rows_max);
  take(&splits_left, split_tasks_max);
  if (!ok) return false;
  for (std::size_t i = 0; i < split_tasks_max; ++i)
    new (&splits_left[i]) std::atomic<std::uint32_t>(0);
  return true;
}

}  // namespace kernels::cpu
