// Attention and the KV cache in the CPU backend: which thread takes which rows, heads and splits.
//
// A tile is the query heads of one KV head for adjacent rows of one sequence. With many tiles each
// is one task that goes through its splits in order; with few, every split of every tile is a task,
// and whoever finishes the last split of a tile merges them in the same order. Both give the same
// bits, whatever the size of the tiles.
#include <algorithm>

#include "kernels/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/storage.h"

namespace kernels::cpu {
namespace {

constexpr std::size_t kSmallRope = 4;     // fewer rows are turned faster than another thread wakes
constexpr std::size_t kBigTileRows = 24;  // more would score many positions that few rows see
// Queries that every instruction set takes in full steps.
constexpr std::size_t kQueryStep = 12;

const std::int32_t* table_of(const Rows& rows, std::size_t row) {
  KERNELS_CHECK(rows.sequences[row] >= 0);
  return rows.block_tables +
         static_cast<std::size_t>(rows.sequences[row]) * rows.block_table_stride;
}

std::size_t position_of(const Rows& rows, std::size_t row, const Limits& limits) {
  const std::int32_t position = rows.positions[row];
  KERNELS_CHECK(position >= 0 && static_cast<std::size_t>(position) < limits.context_tokens_max);
  return static_cast<std::size_t>(position);
}

// First position that the tile's first row sees.
std::size_t begin_of(const AttentionTile& tile) {
  const auto window = static_cast<std::size_t>(std::max(tile.args->window, 0));
  const std::size_t end = tile.first_position + 1;
  return window > 0 && end > window ? end - window : 0;
}

std::size_t first_split(const AttentionTile& tile) {
  return begin_of(tile) / kSplit;
}
std::size_t last_split(const AttentionTile& tile) {
  return (tile.first_position + tile.rows - 1) / kSplit;
}

void check_blocks(const AttentionTile& tile, const Rows& rows, const KvShape& shape) {
  const std::size_t last = (tile.first_position + tile.rows - 1) / shape.block_tokens;
  KERNELS_CHECK(last < rows.block_table_stride);
  for (std::size_t entry = begin_of(tile) / shape.block_tokens; entry <= last; ++entry) {
    const std::int32_t block = tile.block_table[entry];
    KERNELS_CHECK(block >= 0 && static_cast<std::size_t>(block) < shape.blocks);
  }
}

// Rows of one tile: few, or as many as leave `tasks` tasks, up to a size past which more rows make
// nothing faster.
std::size_t rows_per_tile(std::size_t n, std::size_t kv_heads, std::size_t group,
                          std::size_t tasks) {
  const std::size_t least = std::max<std::size_t>(1, kTileQueries / group);
  const std::size_t most = std::min({n * kv_heads / tasks, kBigTileRows, kBigTileQueries / group});
  for (std::size_t rows = most; rows > least; --rows) {
    if (rows * group % kQueryStep == 0) return rows;
  }
  return std::max(least, most);
}

}  // namespace

Status CpuOps::rope_store(const RopeStore& args, const Rows& rows, KvCache& cache,
                          std::size_t layer) {
  const KvShape& shape = cache.shape();
  const Rope& rope = args.rope;
  KERNELS_CHECK(rows.n >= 1 && rows.n <= limits_.rows_max && layer < shape.layers);
  KERNELS_CHECK(rope.rope_dims % 2 == 0 && rope.rope_dims <= shape.head_dim);
  KERNELS_CHECK(args.q_stride >= args.q_heads * shape.head_dim &&
                args.kv_stride >= shape.kv_heads * shape.head_dim);
  const KvView view = static_cast<CpuKvCache&>(cache).view(layer);
  const auto store_row = [&](std::size_t row, std::size_t) {
    const std::size_t position = position_of(rows, row, limits_);
    const std::size_t entry = position / shape.block_tokens;
    KERNELS_CHECK(entry < rows.block_table_stride);
    const std::int32_t block = table_of(rows, row)[entry];
    KERNELS_CHECK(block >= 0 && static_cast<std::size_t>(block) < shape.blocks);
    kernels_.rope_store({&args, &view, shape.kv_heads, row, static_cast<std::size_t>(block),
                         position % shape.block_tokens});
  };
  if (rows.n <= kSmallRope) {
    for (std::size_t row = 0; row < rows.n; ++row) store_row(row, 0);
  } else {
    pool_->parallel_for(rows.n, store_row);
  }
  return Status::kOk;
}

Status CpuOps::attention(const Attention& args, const Rows& rows, const KvCache& cache,
                         std::size_t layer) {
  const KvShape& shape = cache.shape();
  KERNELS_CHECK(rows.n >= 1 && rows.n <= limits_.rows_max && layer < shape.layers);
  KERNELS_CHECK(args.q_heads > 0 && args.q_heads <= limits_.heads_max &&
                args.q_heads % shape.kv_heads == 0);
  KERNELS_CHECK(args.q_stride >= args.q_heads * shape.head_dim &&
                args.out_stride >= args.q_heads * shape.head_dim);
  const KvView view = static_cast<const CpuKvCache&>(cache).view(layer);
  const std::size_t rows_each = rows_per_tile(rows.n, shape.kv_heads, args.q_heads / shape.kv_heads,
                                              scratch_.split_tasks_max);
  const std::size_t tiles = plan_tiles(args, rows, shape, view, rows_each);
  const std::size_t tasks = tiles * shape.kv_heads;
  const auto tile_of = [&](std::size_t task) {
    AttentionTile tile = scratch_.tiles[task / shape.kv_heads];
    tile.kv_head = task % shape.kv_heads;
    return tile;
  };

  std::size_t splits = 0;
  for (std::size_t t = 0; t < tiles; ++t) {
    splits = std::max(splits, last_split(scratch_.tiles[t]) - first_split(scratch_.tiles[t]) + 1);
  }
  if (tasks >= scratch_.split_tasks_max || splits == 1 || pool_->threads() == 1) {
    // The last tiles of a prompt are the longest; taken first, they leave no thread waiting.
    pool_->parallel_for(tasks, [&](std::size_t task, std::size_t thread) {
      attend_whole(tile_of(tasks - 1 - task), thread);
    });
    return Status::kOk;
  }
  for (std::size_t task = 0; task < tasks; ++task) {
    scratch_.splits_left[task].store(static_cast<std::uint32_t>(splits), std::memory_order_relaxed);
  }
  pool_->parallel_for(tasks * splits, [&](std::size_t index, std::size_t thread) {
    attend_one_split(tile_of(index / splits), index / splits, index % splits, thread);
  });
  return Status::kOk;
}

std::size_t CpuOps::plan_tiles(const Attention& args, const Rows& rows, const KvShape& shape,
                               const KvView& view, std::size_t rows_each) {
  const std::size_t group = args.q_heads / shape.kv_heads;
  std::size_t count = 0;
  for (std::size_t row = 0; row < rows.n; ++row) {
    const std::size_t position = position_of(rows, row, limits_);
    AttentionTile* tile = count == 0 ? nullptr : &scratch_.tiles[count - 1];
    if (tile != nullptr && tile->rows < rows_each &&
        rows.sequences[row] == rows.sequences[row - 1] &&
        position == tile->first_position + tile->rows) {
      ++tile->rows;
      continue;
    }
    scratch_.tiles[count++] = {&args, &view, table_of(rows, row), row, 1, position, 0, group};
  }
  for (std::size_t t = 0; t < count; ++t) check_blocks(scratch_.tiles[t], rows, shape);
  return count;
}

void CpuOps::attend_whole(const AttentionTile& tile, std::size_t thread) {
  const std::size_t queries = tile.rows * tile.group;
  const AttentionScratch& own = scratch_.attention[thread];
  float* state = scratch_.states + thread * 2 * scratch_.task_queries * scratch_.partial_floats;
  float* partials = state + scratch_.task_queries * scratch_.partial_floats;
  kernels_.pack_queries(tile, own.queries);
  kernels_.attend_split(tile, first_split(tile), own, state);
  for (std::size_t split = first_split(tile) + 1; split <= last_split(tile); ++split) {
    kernels_.attend_split(tile, split, own, partials);
    kernels_.merge_partials(state, partials, queries, tile.view->padded_dim);
  }
  kernels_.write_attention(tile, state);
}

void CpuOps::attend_one_split(const AttentionTile& tile, std::size_t task, std::size_t split,
                              std::size_t thread) {
  const std::size_t queries = tile.rows * tile.group;
  const std::size_t split_floats = scratch_.split_queries * scratch_.partial_floats;
  float* task_partials = scratch_.split_partials + task * scratch_.splits_max * split_floats;
  const std::size_t mine = last_split(tile) - first_split(tile) + 1;  // other tiles may have more
  if (split < mine) {
    const AttentionScratch& own = scratch_.attention[thread];
    kernels_.pack_queries(tile, own.queries);
    kernels_.attend_split(tile, first_split(tile) + split, own,
                          task_partials + split * split_floats);
  }
  if (scratch_.splits_left[task].fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  for (std::size_t s = 1; s < mine; ++s) {
    kernels_.merge_partials(task_partials, task_partials + s * split_floats, queries,
                            tile.view->padded_dim);
  }
  kernels_.write_attention(tile, task_partials);
}

}  // namespace kernels::cpu
