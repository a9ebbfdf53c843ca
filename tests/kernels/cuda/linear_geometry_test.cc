// The index arithmetic of the linear kernels, over all shapes that are anywhere near an edge.
#include "kernels/cuda/linear_geometry.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "kernels/cuda/tiles/tile_format.h"

namespace kernels::cuda {
namespace {

TEST(LinearGeometryTest, SegmentsAreWholeStagesThatFollowEachOther) {
  for (const std::uint32_t chunk_cols : {64U, 128U, 256U}) {
    for (std::uint32_t cols = 64; cols <= 6144; cols += 64) {
      const std::uint32_t chunks = divide_up(cols, chunk_cols);
      for (const std::uint32_t count : {1U, 2U, 4U}) {
        if (divide_up(cols, kStageCols) < count) continue;
        std::uint32_t next = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
          const ChunkRange range = segment_chunks(cols, chunk_cols, count, i);
          ASSERT_EQ(range.first, next) << cols;
          ASSERT_LT(range.first, range.last) << cols;
          ASSERT_EQ(range.first * chunk_cols % kStageCols, 0U) << cols;
          next = range.last;
        }
        ASSERT_EQ(next, chunks) << cols;
      }
    }
  }
}

// The same columns whatever the chunk: tiles of one format are not cut otherwise than those of
// another.
TEST(LinearGeometryTest, SegmentsBeginAtTheSameColumnForEverySizeOfChunk) {
  for (std::uint32_t cols = 64; cols <= 6144; cols += 64)
    for (const std::uint32_t count : {1U, 2U, 4U})
      for (std::uint32_t i = 0; i < count; ++i)
        EXPECT_EQ(segment_chunks(cols, 64, count, i).first * 64,
                  segment_chunks(cols, 256, count, i).first * 256);
}

TEST(LinearGeometryTest, SegmentsFillTheProcessorsAndHaveTwoStagesEach) {
  for (const std::size_t rows : {1U, 64U, 4096U, 8128U, 8192U, 16320U, 16384U, 128256U}) {
    for (const std::size_t cols : {64U, 256U, 768U, 960U, 1024U, 1792U, 2048U, 4096U, 14336U}) {
      const TileShape shape = tile_shape(TileFormat::kBf16, rows, cols).value();
      const std::uint32_t count = segments(shape);
      const std::uint32_t stages = divide_up(shape.padded_cols(), kStageCols);
      ASSERT_TRUE(count == 1 || count == 2 || count == 4);
      EXPECT_TRUE(count == 1 || stages / count >= 2) << rows << " x " << cols;
      EXPECT_TRUE(count == 4 || shape.row_tiles * count >= kBlocksWanted || stages < 4 * count)
          << rows << " x " << cols;
      EXPECT_TRUE(count == 1 || shape.row_tiles * count / 2 < kBlocksWanted)
          << rows << " x " << cols;
    }
  }
  EXPECT_EQ(segments(tile_shape(TileFormat::kQ4_K, 8192, 4096).value()), 2U);
  EXPECT_EQ(segments(tile_shape(TileFormat::kQ4_K, 4096, 4096).value()), 4U);
  EXPECT_EQ(segments(tile_shape(TileFormat::kQ4_K, 16384, 4096).value()), 1U);
}

TEST(LinearGeometryTest, RecordsOfChunksAddUp) {
  for (const std::uint32_t per_chunk : {1U, 2U, 4U}) {
    for (std::uint32_t records = 1; records < 40; ++records) {
      std::uint32_t sum = 0;
      for (std::uint32_t chunk = 0; chunk < divide_up(records, per_chunk); ++chunk) {
        const std::uint32_t count = records_of_chunk(records, per_chunk, chunk);
        ASSERT_TRUE(count >= 1 && count <= per_chunk);
        sum += count;
      }
      EXPECT_EQ(sum, records);
    }
  }
}

// Every segment of every tile for every tile of tokens once, and the segments of a tile side by
// side in one cluster.
void expect_all_computed_once(const LinearGrid& grid) {
  const std::uint32_t x_blocks = clusters_of_grid(grid) * grid.cluster;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> seen;
  for (std::uint32_t y = 0; y < grid.token_tiles; ++y) {
    for (std::uint32_t x = 0; x < x_blocks; ++x) {
      const LinearPlace place = place_of_block(grid, x, y, x_blocks);
      ASSERT_LT(place.matrix, grid.matrix_count);
      ASSERT_LT(place.token_tile, grid.token_tiles);
      // All of a cluster have the same rows of activations and the same matrix, or it could not
      // meet.
      const LinearPlace first = place_of_block(grid, x / grid.cluster * grid.cluster, y, x_blocks);
      ASSERT_EQ(first.token_tile, place.token_tile);
      ASSERT_EQ(first.matrix, place.matrix);
      if (place.segment > 0) {
        const LinearPlace before = place_of_block(grid, x - 1, y, x_blocks);
        ASSERT_EQ(before.first_tile, place.first_tile);
        ASSERT_EQ(before.segment + 1, place.segment);
        ASSERT_NE(x % grid.cluster, 0U);
      }
      for (std::uint32_t group = 0; group < grid.groups; ++group) {
        const std::uint32_t tile = place.first_tile + group;
        if (tile >= grid.row_tiles[place.matrix]) continue;
        ASSERT_TRUE(seen.insert({place.matrix, tile, place.segment, place.token_tile}).second);
      }
    }
  }
  std::size_t expected = 0;
  for (std::uint32_t m = 0; m < grid.matrix_count; ++m)
    expected += std::size_t{grid.row_tiles[m]} * blocks_of_tile(grid, m) * grid.token_tiles;
  EXPECT_EQ(seen.size(), expected);
}

TEST(LinearGeometryTest, BlocksComputeEverySegmentOfEveryTileOnce) {
  constexpr std::uint32_t kSegments[] = {1, 2, 4};
  for (std::uint32_t tiles = 1; tiles <= 9; ++tiles) {
    for (const std::uint32_t groups : {1U, 2U}) {
      for (const std::uint32_t token_tiles : {1U, 2U, 5U}) {
        for (std::uint32_t mix = 0; mix < 27; ++mix) {
          LinearGrid grid;
          grid.matrix_count = 1 + mix % 3;
          grid.groups = groups;
          grid.token_tiles = token_tiles;
          for (std::uint32_t m = 0; m < grid.matrix_count; ++m) {
            grid.row_tiles[m] = tiles + 3 * m;
            grid.segment_count[m] = kSegments[(mix / 3 + m) % 3];
          }
          expect_all_computed_once(grid);  // a block runs all segments
          for (std::uint32_t m = 0; m < grid.matrix_count; ++m)
            grid.cluster = std::max(grid.cluster, grid.segment_count[m]);
          expect_all_computed_once(grid);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(LinearGeometryTest, SwizzledPiecesFillTheTileAndEightRowsFillAllBanks) {
  for (const std::uint32_t tokens : {8U, 32U, 64U, 128U}) {
    std::set<std::uint32_t> seen;
    for (std::uint32_t token = 0; token < tokens; ++token)
      for (std::uint32_t piece = 0; piece < 32; ++piece)
        seen.insert(swizzled_offset(tokens, token, piece));
    EXPECT_EQ(seen.size(), tokens * 32);
    EXPECT_EQ(*seen.rbegin(), tokens * 32 * 16 - 16);
  }
  for (std::uint32_t piece = 0; piece < 8; ++piece) {
    std::set<std::uint32_t> swizzled, padded;
    for (std::uint32_t token = 0; token < 8; ++token) {
      swizzled.insert(swizzled_offset(8, token, piece) % 128 / 16);
      padded.insert((token * padded_row_bytes(128) + piece * 16) % 128 / 16);
    }
    EXPECT_EQ(swizzled.size(), 8U);
    EXPECT_EQ(padded.size(), 8U);
  }
}

TEST(LinearGeometryTest, ResultsCoverTheTileOnce) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
  for (std::uint32_t thread = 0; thread < 128; ++thread)
    for (std::uint32_t i = 0; i < 16; ++i)
      seen.insert({result_row(thread, i), result_token(thread, i)});
  EXPECT_EQ(seen.size(), 64U * 32U);
  EXPECT_EQ(seen.rbegin()->first, 63U);
}

}  // namespace
}  // namespace kernels::cuda
