// Where a row's positions lie: the table of blocks, what a row sees, and which rows are one
// block's.
#ifndef KERNELS_CUDA_ATTENTION_ROWS_H_
#define KERNELS_CUDA_ATTENTION_ROWS_H_

#include "kernels/cuda/attention_arguments.h"
#include "kernels/cuda/portable/portable.h"

namespace kernels::cuda {
// Which of the two compilations this is, so that a program may hold both.
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

KERNELS_DEVICE std::uint32_t row_count(const RowCount& n) {
  return n.rows == nullptr ? n.rows_max : (*n.rows < n.rows_max ? *n.rows : n.rows_max);
}

// Positions first … last, inclusive; none where last < first.
struct Visible {
  std::int32_t first = 0, last = -1;
  KERNELS_DEVICE bool has(std::int32_t position) const {
    return position >= first && position <= last;
  }
};

// What a row at `position` sees: nothing before its window, nothing after itself.
KERNELS_DEVICE Visible visible_from(std::int32_t position, std::int32_t window) {
  const std::int32_t before = position - window + 1;
  return {window > 0 && before > 0 ? before : 0, position};
}

KERNELS_DEVICE std::uint32_t splits_of(const Visible& visible) {
  constexpr auto kSplit = static_cast<std::int32_t>(kSplitPositions);
  return static_cast<std::uint32_t>(visible.last / kSplit - visible.first / kSplit) + 1;
}

// The block of the cache that holds `position` of the row's sequence; kv.blocks where the table has
// none.
KERNELS_DEVICE std::uint32_t block_of(const RowTable& rows, const KvLayer& kv, std::uint32_t row,
                                      std::int32_t position) {
  const std::uint32_t entry = static_cast<std::uint32_t>(position) >> kv.block_shift;
  if (position < 0 || entry >= rows.block_table_stride) return kv.blocks;
  const std::size_t table = static_cast<std::size_t>(rows.sequences[row]) * rows.block_table_stride;
  const auto block = static_cast<std::uint32_t>(rows.block_tables[table + entry]);
  return block < kv.blocks ? block : kv.blocks;
}

// In units of positions of a head: where slot 0 of a block's keys (which = 0) or values (1) of
// `head` lies.
KERNELS_DEVICE std::size_t first_slot(const KvLayer& kv, std::uint32_t block, std::uint32_t which,
                                      std::uint32_t head) {
  return ((static_cast<std::size_t>(block) * 2 + which) * kv.kv_heads + head) << kv.block_shift;
}

KERNELS_DEVICE std::uint32_t slot_of(const KvLayer& kv, std::int32_t position) {
  return static_cast<std::uint32_t>(position) & ((1U << kv.block_shift) - 1);
}

// Whether no other row of the call is of the row's sequence.
KERNELS_DEVICE bool is_single(const RowTable& rows, std::uint32_t row, std::uint32_t n) {
  const std::int32_t sequence = rows.sequences[row];
  return (row == 0 || rows.sequences[row - 1] != sequence) &&
         (row + 1 == n || rows.sequences[row + 1] != sequence);
}

// Rows that a block computes together, for one group of heads: `tokens` adjacent rows of one
// sequence. Its 16-row tile t holds `per_tile` of them, every query head of the group: row r of the
// tile is head r % group of token r / group.
struct BlockRows {
  std::uint32_t row = 0;  // the first
  std::uint32_t tokens = 0;
  std::uint32_t head = 0;  // of a.heads
  std::uint32_t kv_head = 0;
  std::uint32_t per_tile = 0;
  std::int32_t position = 0;  // of the first
  Visible visible;            // to any of them
};

KERNELS_DEVICE BlockRows block_rows(const AttentionArguments& a, std::uint32_t row,
                                    std::uint32_t tokens, std::uint32_t head) {
  BlockRows rows;
  rows.row = row;
  rows.tokens = tokens;
  rows.head = head;
  rows.kv_head = head / a.parts;
  rows.per_tile = 16 / a.group;
  rows.position = a.rows.positions[row];
  rows.visible = visible_from(rows.position, a.window);
  rows.visible.last += static_cast<std::int32_t>(tokens) - 1;
  return rows;
}

// Row `index` of the block's tiles.
struct TileRow {
  bool exists = false;
  std::uint32_t row = 0;   // of the call
  std::uint32_t head = 0;  // query head
  Visible visible;
};

KERNELS_DEVICE TileRow tile_row(const AttentionArguments& a, const BlockRows& rows,
                                std::uint32_t index) {
  const std::uint32_t in_tile = index % 16;
  const std::uint32_t token = index / 16 * rows.per_tile + in_tile / a.group;
  TileRow found;
  found.exists = in_tile < rows.per_tile * a.group && token < rows.tokens;
  if (!found.exists) return found;
  found.row = rows.row + token;
  found.head = rows.head * a.group + in_tile % a.group;
  found.visible = visible_from(rows.position + static_cast<std::int32_t>(token), a.window);
  return found;
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_ROWS_H_
