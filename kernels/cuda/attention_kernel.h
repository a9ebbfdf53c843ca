// The two kernels of attention: what a block finds to do. attention.h states what they compute and
// in which order.
#ifndef KERNELS_CUDA_ATTENTION_KERNEL_H_
#define KERNELS_CUDA_ATTENTION_KERNEL_H_

#include "kernels/cuda/attention_partial.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

KERNELS_DEVICE std::uint32_t sum_of_warp(std::uint32_t value) {
  KERNELS_UNROLL
  for (std::uint32_t mask = 1; mask < 32; mask *= 2) value += shuffle_xor(value, mask);
  return value;
}

// The sum of this lane's value and of those of all lanes before it.
KERNELS_DEVICE std::uint32_t sum_to_lane(std::uint32_t value) {
  KERNELS_UNROLL
  for (std::uint32_t step = 1; step < 32; step *= 2) {
    const std::uint32_t before = shuffle(value, lane() >= step ? lane() - step : lane());
    if (lane() >= step) value += before;
  }
  return value;
}

// ---- rows that are alone

KERNELS_DEVICE bool is_decode_row(const AttentionArguments& a, std::uint32_t row, std::uint32_t n) {
  return row < n && (a.only_singles || is_single(a.rows, row, n));
}

KERNELS_DEVICE std::uint32_t count_decode_rows(const AttentionArguments& a, std::uint32_t n) {
  if (a.only_singles) return n;
  std::uint32_t count = 0;
  for (std::uint32_t first = 0; first < n; first += 32) {
    count += sum_of_warp(is_decode_row(a, first + lane(), n) ? 1 : 0);
  }
  return count;
}

// A decode row's splits are one piece of work each where there is room for their results, or one
// piece all together.
struct Piece {
  std::uint32_t row = 0;
  std::uint32_t head = 0;
  std::uint32_t piece = 0, pieces = 0;
  std::uint32_t slot = 0;  // of the row's first partial
};

template <typename Form>
KERNELS_DEVICE void run_piece(const AttentionArguments& a, const Piece& piece,
                              unsigned char* shared) {
  constexpr auto kSplit = static_cast<std::int32_t>(kSplitPositions);
  const BlockRows block = block_rows(a, piece.row, 1, piece.head);
  const WarpPart<Form> part;
  std::int32_t begin = block.visible.first / kSplit;
  std::int32_t end = block.visible.last / kSplit + 1;
  if (piece.pieces > 1) {
    begin += static_cast<std::int32_t>(piece.piece);
    end = begin + 1;
  }
  sync_block();  // the former piece is done with shared memory
  load_queries<Form>(a, block, shared + Form::kQueries);
  Softmax<Form> all;
  all.clear();
  run_splits<Form>(a, block, part, begin, end, shared, &all);
  if (piece.pieces > 1) {
    store_partial<Form>(a, block, part, all, partial_of(a, piece.slot + piece.piece, piece.head));
    std::uint32_t* counter =
        a.counters + static_cast<std::size_t>(piece.slot) * a.heads + piece.head;
    if (!is_last(counter, piece.pieces, reinterpret_cast<std::uint32_t*>(shared + Form::kIsLast)))
      return;
    all.clear();
    for (std::uint32_t i = 0; i < piece.pieces; ++i) {
      Softmax<Form> split;
      load_partial<Form>(a, block, part, partial_of(a, piece.slot + i, piece.head), &split);
      merge<Form>(split, &all);
    }
  }
  write_out<Form>(a, block, part, &all);
}

// Blocks share out the pieces of all decode rows, in turn. How many there are is read here: a
// recorded launch serves any number of rows of any length.
template <KvFormat kFormat, std::uint32_t kDim>
KERNELS_GLOBAL void KERNELS_BOUNDS(kDecodeThreads, decode_blocks(kDim))
    attention_decode(AttentionArguments a) {
  using Form = DecodeForm<kFormat, kDim>;
  KERNELS_SHARED(shared);
  wait_for_former();
  allow_next();
  const std::uint32_t n = row_count(a.rows.n);
  const std::uint32_t rows = count_decode_rows(a, n);
  if (rows == 0) return;
  const std::uint32_t slots = a.partial_slots / rows;  // of a row
  std::uint32_t item = block_x();
  std::uint32_t pieces_before = 0, rows_before = 0;
  for (std::uint32_t first = 0; first < n; first += 32) {
    const bool mine = is_decode_row(a, first + lane(), n);
    std::uint32_t pieces = 0;
    if (mine) {
      const std::uint32_t splits =
          splits_of(visible_from(a.rows.positions[first + lane()], a.window));
      pieces = splits <= slots ? splits : 1;
    }
    const std::uint32_t pieces_to = sum_to_lane(pieces);
    const std::uint32_t rows_to = sum_to_lane(mine ? 1 : 0);
    const std::uint32_t here = shuffle(pieces_to, 31);
    for (; item < (pieces_before + here) * a.heads; item += blocks_x()) {
      const std::uint32_t index = item / a.heads - pieces_before;
      const std::uint32_t owner = sum_of_warp(pieces_to <= index ? 1 : 0);  // the lane of its row
      Piece piece;
      piece.row = first + owner;
      piece.head = item % a.heads;
      piece.pieces = shuffle(pieces, owner);
      piece.piece = index - (shuffle(pieces_to, owner) - piece.pieces);
      piece.slot = (rows_before + shuffle(rows_to, owner) - 1) * slots;
      run_piece<Form>(a, piece, shared);
    }
    pieces_before += here;
    rows_before += shuffle(rows_to, 31);
  }
}

// ---- rows of prompts

// How many of the rows that follow `row` in its sequence, itself included, are of its block: none
// where the row is another's. A block's rows begin with the sequence's first of the call, or at a
// multiple of `most` positions.
KERNELS_DEVICE std::uint32_t rows_of_block(const AttentionArguments& a, std::uint32_t row,
                                           std::uint32_t n, std::uint32_t most) {
  if (is_single(a.rows, row, n)) return 0;
  const std::int32_t sequence = a.rows.sequences[row];
  const std::uint32_t offset = static_cast<std::uint32_t>(a.rows.positions[row]) % most;
  if (row > 0 && a.rows.sequences[row - 1] == sequence && offset != 0) return 0;
  std::uint32_t count = 0;
  for (std::uint32_t first = 0; first < most; first += 32) {
    const std::uint32_t at = first + lane();
    count += sum_of_warp(
        at < most - offset && row + at < n && a.rows.sequences[row + at] == sequence ? 1 : 0);
  }
  return count;
}

// block_x: a row, those at the end (which see most) first; block_y: a group of heads.
template <KvFormat kFormat, std::uint32_t kDim>
KERNELS_GLOBAL void KERNELS_BOUNDS((PrefillForm<kFormat, kDim>::kThreads), (kDim == 256 ? 1 : 2))
    attention_prefill(AttentionArguments a) {
  using Form = PrefillForm<kFormat, kDim>;
  constexpr auto kSplit = static_cast<std::int32_t>(kSplitPositions);
  KERNELS_SHARED(shared);
  wait_for_former();
  allow_next();
  const std::uint32_t n = row_count(a.rows.n);
  if (block_x() >= n) return;
  const std::uint32_t row = n - 1 - block_x();
  const std::uint32_t tokens = rows_of_block(a, row, n, Form::kTiles * (16 / a.group));
  if (tokens == 0) return;
  const BlockRows block = block_rows(a, row, tokens, block_y());
  const WarpPart<Form> part;
  load_queries<Form>(a, block, shared + Form::kQueries);
  Softmax<Form> all;
  all.clear();
  run_splits<Form>(a, block, part, block.visible.first / kSplit, block.visible.last / kSplit + 1,
                   shared, &all);
  write_out<Form>(a, block, part, &all);
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_KERNEL_H_
