// A block's work on consecutive splits of its rows: the loop over tiles of keys and values, and
// what becomes of the result.
#ifndef KERNELS_CUDA_ATTENTION_SPLITS_H_
#define KERNELS_CUDA_ATTENTION_SPLITS_H_

#include "kernels/cuda/attention_products.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

// This warp's part of the block: 16 rows, and of those its share of the positions of a tile and of
// the dimensions.
template <typename Form>
struct WarpPart {
  std::uint32_t share = 0;
  std::uint32_t row = 0;        // its first, of the block's tiles
  std::uint32_t position = 0;   // its first, of a tile of keys
  std::uint32_t dimension = 0;  // its first

  KERNELS_DEVICE WarpPart() {
    share = warp() % Form::kShare;
    row = warp() / Form::kShare * 16;
    position = share * (kTilePositions / Form::kShare);
    dimension = share * (Form::kDim / Form::kShare);
  }
  // The lane's rows, 0 and 1.
  KERNELS_DEVICE TileRow lane_row(const AttentionArguments& a, const BlockRows& block,
                                  std::uint32_t half) const {
    return tile_row(a, block, row + lane() / 4 + 8 * half);
  }
};

// Each row's largest score over all warps that share it. Everybody has finished with the keys when
// it returns.
template <typename Form>
KERNELS_DEVICE void share_largest(const WarpPart<Form>& part, float* shared, float (&largest)[2]) {
  KERNELS_UNROLL
  for (std::uint32_t half = 0; half < 2; ++half) {
    const std::uint32_t row = part.row + lane() / 4 + 8 * half;
    if (lane() % 4 == 0) shared[row * Form::kShare + part.share] = largest[half];
  }
  sync_block();
  KERNELS_UNROLL
  for (std::uint32_t half = 0; half < 2; ++half) {
    const float* of_row = shared + (part.row + lane() / 4 + 8 * half) * Form::kShare;
    KERNELS_UNROLL
    for (std::uint32_t share = 0; share < Form::kShare; ++share)
      largest[half] = maximum(largest[half], of_row[share]);
  }
}

// Merges splits split_begin … split_end - 1 of the block's rows (absolute numbers) into `all`,
// ascending. Values are copied while scores are computed, the next tile's keys while sums are.
template <typename Form>
KERNELS_DEVICE void run_splits(const AttentionArguments& a, const BlockRows& block,
                               const WarpPart<Form>& part, std::int32_t split_begin,
                               std::int32_t split_end, unsigned char* shared, Softmax<Form>* all) {
  constexpr auto kTile = static_cast<std::int32_t>(kTilePositions);
  constexpr auto kSplit = static_cast<std::int32_t>(kSplitPositions);
  unsigned char* const keys = shared + Form::kKeys;
  unsigned char* const values = shared + Form::kValues;
  unsigned char* const weights = shared + Form::kWeights;
  auto* const largest_of_warps = reinterpret_cast<float*>(shared + Form::kLargest);
  // What copies write to: the tile itself, or codes that are widened into it.
  unsigned char* const key_copy = Form::kCodes ? shared + Form::kKeyCodes : keys;
  unsigned char* const value_copy = Form::kCodes ? shared + Form::kValueCodes : values;
  const Visible visible[2] = {part.lane_row(a, block, 0).visible,
                              part.lane_row(a, block, 1).visible};

  // Tiles that nobody sees are left out: they would change nothing.
  const std::int32_t begin = split_begin * kSplit;
  std::int32_t first = block.visible.first / kTile * kTile;
  if (first < begin) first = begin;
  const std::int32_t last =
      block.visible.last < split_end * kSplit ? block.visible.last : split_end * kSplit - 1;
  Softmax<Form> split;
  split.clear();
  begin_tile<Form>(a, block, 0, first, key_copy);
  commit_copies();
  for (; first <= last; first += kTile) {
    wait_copies<0>();
    sync_block();  // the keys are there, and nobody reads the former values
    begin_tile<Form>(a, block, 1, first, value_copy);
    commit_copies();
    if constexpr (Form::kCodes) {
      widen_tile<Form>(a, block, first, key_copy, keys);
      sync_block();
    }
    Scores<Form> scores;
    multiply_keys<Form>(shared + Form::kQueries, keys, part.row, part.position, scores);
    float largest[2];
    mask_scores<Form>(a.cap, visible, first + static_cast<std::int32_t>(part.position), scores,
                      largest);
    share_largest<Form>(part, largest_of_warps, largest);
    if (first + kTile <= last) begin_tile<Form>(a, block, 0, first + kTile, key_copy);
    commit_copies();
    raise<Form>(largest, &split);
    weigh<Form>(split, scores);
    store_weights<Form>(scores, part.row, part.position, weights);
    wait_copies<1>();
    sync_block();  // the values are there, and all warps' weights
    if constexpr (Form::kCodes) {
      widen_tile<Form>(a, block, first, value_copy, values);
      sync_block();
    }
    multiply_values<Form>(weights, values, part.row, part.dimension, &split);
    const bool ends = first + kTile > last || (first + kTile) % kSplit == 0;
    if (ends) {
      merge<Form>(split, all);
      split.clear();
    }
  }
}

// Divides and writes the rows' outputs. (x + 0 makes every zero positive: its sign is the one thing
// that an empty tile could change.)
template <typename Form>
KERNELS_DEVICE void write_out(const AttentionArguments& a, const BlockRows& block,
                              const WarpPart<Form>& part, Softmax<Form>* all) {
  const TileRow rows[2] = {part.lane_row(a, block, 0), part.lane_row(a, block, 1)};
  if (a.sinks != nullptr) {
    constexpr float kLog2E = 1.44269504088896340736F;
    const float sinks[2] = {rows[0].exists ? a.sinks[rows[0].head] * kLog2E : 0.0F,
                            rows[1].exists ? a.sinks[rows[1].head] * kLog2E : 0.0F};
    add_sinks<Form>(sinks, all);
  }
  KERNELS_UNROLL
  for (std::uint32_t half = 0; half < 2; ++half) {
    const TileRow& row = rows[half];
    if (!row.exists) continue;
    const float inverse = divide_rn(1.0F, all->total[2 * half]);
    std::uint16_t* out =
        a.out + static_cast<std::size_t>(row.row) * a.out_stride + row.head * a.kv.head_dim;
    KERNELS_UNROLL
    for (std::uint32_t b = 0; b < Form::kSumBlocks; ++b) {
      const std::uint32_t dimension = part.dimension + 8 * b + 2 * (lane() % 4);
      if (dimension >= a.kv.head_dim) continue;
      *reinterpret_cast<std::uint32_t*>(out + dimension) = pack_bf16(
          all->sums[b][2 * half] * inverse + 0.0F, all->sums[b][2 * half + 1] * inverse + 0.0F);
    }
  }
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_SPLITS_H_
