// Which block computes what, and where everything lies: the index arithmetic of the linear kernels,
// apart from them so that it can be tested on its own.
//
//   stage    256 columns: what segments are made of                  (linear.h)
//   chunk    the columns fetched at a time, one to four records: 64, 128 or 256 columns
//   quad     64 columns: four k16 steps
//   unit     what a block computes: `groups` neighbouring tiles of one matrix (one to a warpgroup),
//   in one segment cluster  C blocks, side by side in x; all segments of a tile lie in one of them
#ifndef KERNELS_CUDA_LINEAR_GEOMETRY_H_
#define KERNELS_CUDA_LINEAR_GEOMETRY_H_

#include <cstdint>

#include "kernels/cuda/linear.h"
#include "kernels/cuda/portable/portable.h"

namespace kernels::cuda {

KERNELS_DEVICE constexpr std::uint32_t divide_up(std::uint32_t a, std::uint32_t b) {
  return (a + b - 1) / b;
}

// ---- columns

struct ChunkRange {
  std::uint32_t first, last;  // last is not in it
};

// The chunks of segment i of S.
KERNELS_DEVICE constexpr ChunkRange segment_chunks(std::uint32_t padded_cols,
                                                   std::uint32_t chunk_cols,
                                                   std::uint32_t segment_count,
                                                   std::uint32_t segment) {
  const std::uint32_t stages = divide_up(padded_cols, kStageCols);
  const std::uint32_t chunks = divide_up(padded_cols, chunk_cols);
  const std::uint32_t per_stage = kStageCols / chunk_cols;
  const std::uint32_t last = stages * (segment + 1) / segment_count * per_stage;
  return {stages * segment / segment_count * per_stage, last < chunks ? last : chunks};
}

// Records of a chunk: fewer in the last, where columns end.
KERNELS_DEVICE constexpr std::uint32_t records_of_chunk(std::uint32_t records,
                                                        std::uint32_t chunk_records,
                                                        std::uint32_t chunk) {
  const std::uint32_t left = records - chunk * chunk_records;
  return left < chunk_records ? left : chunk_records;
}

// ---- blocks

struct LinearGrid {
  std::uint32_t matrix_count = 0;
  std::uint32_t row_tiles[kMatricesMax] = {};
  std::uint32_t segment_count[kMatricesMax] = {};  // 1, 2 or 4
  std::uint32_t groups = 1;                        // tiles of a unit
  std::uint32_t cluster =
      1;  // C: a multiple of every segment_count, or 1 where a block runs all segments itself
  std::uint32_t token_tiles = 1;
  bool apart = false;  // every segment is a block, though there are no clusters: sums are not added

  KERNELS_DEVICE constexpr bool one_segment_a_block() const { return cluster > 1 || apart; }
};

// A block's share of a tile's segments: one, or all of them.
KERNELS_DEVICE constexpr std::uint32_t blocks_of_tile(const LinearGrid& grid,
                                                      std::uint32_t matrix) {
  return grid.one_segment_a_block() ? grid.segment_count[matrix] : 1;
}
KERNELS_DEVICE constexpr std::uint32_t clusters_of_matrix(const LinearGrid& grid,
                                                          std::uint32_t matrix) {
  return divide_up(divide_up(grid.row_tiles[matrix], grid.groups) * blocks_of_tile(grid, matrix),
                   grid.cluster);
}
KERNELS_DEVICE constexpr std::uint32_t clusters_of_grid(const LinearGrid& grid) {
  std::uint32_t clusters = 0;
  for (std::uint32_t m = 0; m < grid.matrix_count; ++m) clusters += clusters_of_matrix(grid, m);
  return clusters;
}

struct LinearPlace {
  std::uint32_t matrix;
  std::uint32_t first_tile;  // of the block's groups; row_tiles or more: there is nothing to do
  std::uint32_t segment;     // 0 where a block runs all segments itself
  std::uint32_t token_tile;
};

// Tiles of rows of activations follow each other fastest: the blocks that read the same weights run
// at the same time, and all but the first find them in the L2 cache.
KERNELS_DEVICE constexpr LinearPlace place_of_block(const LinearGrid& grid, std::uint32_t x,
                                                    std::uint32_t y, std::uint32_t blocks_in_x) {
  const std::uint32_t turn = y * (blocks_in_x / grid.cluster) + x / grid.cluster;
  std::uint32_t cluster = turn / grid.token_tiles;
  std::uint32_t matrix = 0;
  while (matrix + 1 < grid.matrix_count && cluster >= clusters_of_matrix(grid, matrix))
    cluster -= clusters_of_matrix(grid, matrix++);
  const std::uint32_t per_tile = blocks_of_tile(grid, matrix);
  const std::uint32_t unit = cluster * grid.cluster + x % grid.cluster;
  return {matrix, unit / per_tile * grid.groups, unit % per_tile, turn % grid.token_tiles};
}

// ---- activations in shared memory

// A chunk's columns of kTokens rows, in tiles of 64 columns as wgmma reads them (portable.h): where
// 16-byte piece `piece` of row `token` lies.
KERNELS_DEVICE constexpr std::uint32_t swizzled_offset(std::uint32_t tokens, std::uint32_t token,
                                                       std::uint32_t piece) {
  return piece / 8 * tokens * 128 + token * 128 + ((piece % 8) ^ (token % 8)) * 16;
}

// The same in rows of chunk_cols bf16 and 16 bytes more: eight rows at one column then lie in all
// 32 banks.
KERNELS_DEVICE constexpr std::uint32_t padded_row_bytes(std::uint32_t chunk_cols) {
  return chunk_cols * 2 + 16;
}

// ---- results

// Row (of the tile) and token (of the tile of tokens) of element i of a thread's D fragments
// (portable.h).
KERNELS_DEVICE constexpr std::uint32_t result_row(std::uint32_t thread, std::uint32_t i) {
  return thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
}
KERNELS_DEVICE constexpr std::uint32_t result_token(std::uint32_t thread, std::uint32_t i) {
  return i / 4 * 8 + thread % 4 * 2 + i % 2;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_GEOMETRY_H_
