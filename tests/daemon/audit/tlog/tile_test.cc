#include "daemon/audit/tlog/tile.h"

#include <gtest/gtest.h>

#include "tests/daemon/audit/tlog/naive_tree.h"

namespace daemon_audit {
namespace {

TileName hash_tile(std::uint32_t level, std::uint64_t number, std::uint32_t width = kTileWidth) {
  return {.entries = false, .level = level, .number = number, .width = width};
}

// C2SP tlog-tiles: "index 1234067 will be encoded as x001/x234/067".
TEST(Tile, HasThePathsOfTheFormat) {
  EXPECT_EQ(tile_path(hash_tile(0, 1'234'067)), "tile/0/x001/x234/067");
  EXPECT_EQ(tile_path(hash_tile(0, 1234, 112)), "tile/0/x001/234.p/112");
  EXPECT_EQ(tile_path(hash_tile(5, 0, 1)), "tile/5/000.p/1");
  EXPECT_EQ(tile_path(hash_tile(1, 999)), "tile/1/999");
  EXPECT_EQ(tile_path(hash_tile(1, 1000)), "tile/1/x001/000");
  EXPECT_EQ(tile_path({.entries = true, .number = 7}), "tile/entries/007");
  EXPECT_EQ(tile_path({.entries = true, .number = 7000, .width = 255}),
            "tile/entries/x007/000.p/255");
}

TEST(Tile, ReadsThePathsItWrites) {
  for (const std::uint64_t number : {0ull, 1ull, 999ull, 1000ull, 1'234'067ull, 1ull << 40}) {
    for (const std::uint32_t width : {1u, 17u, 255u, 256u}) {
      for (std::uint32_t level = 0; level < kTileLevelsMax; ++level) {
        const TileName name = hash_tile(level, number, width);
        EXPECT_EQ(parse_tile_path(tile_path(name)), name);
      }
      const TileName bundle{.entries = true, .number = number, .width = width};
      EXPECT_EQ(parse_tile_path(tile_path(bundle)), bundle);
    }
  }
}

TEST(Tile, RefusesOtherPaths) {
  for (const char* path : {"",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile/0/0",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/00/000",
                           "tile/6/000",
                           "tile/-1/000",
                           "tile/0/x000/000",
                           "tile/0/x001/x000",
                           "tile/0/x001/000/",
                           "tile/0/001/000",
                           "tile/0/x001",
                           "tile/0/000.p",
                           "tile/0/000.p/",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/1x",
                           "/tile/0/000",
                           "tile/0/000 ",
                           "tile/entries",
                           "tile/entries/x",
                           "tile/entries/0+1",
                           "tile/entriesx/000",
                           "tile/entries/x999/x999/x999/x999/x999/999",
                           "tile/data/000",
                           "checkpoint",
                           "tile/0/x-01/000",
                           "tile/0/x001//000"}) {
    EXPECT_EQ(parse_tile_path(path), std::nullopt) << path;
  }
}

// The two examples of C2SP tlog-tiles.
TEST(Tile, CountsTheTilesOfATree) {
  const auto expect = [](std::uint32_t level, std::uint64_t size, std::uint64_t full,
                         std::uint32_t partial) {
    EXPECT_EQ(last_tile(level, size).full_tiles, full) << level << " of " << size;
    EXPECT_EQ(last_tile(level, size).partial_width, partial) << level << " of " << size;
  };
  expect(0, 70'000, 273, 112);
  expect(1, 70'000, 1, 17);
  expect(2, 70'000, 0, 1);
  expect(3, 70'000, 0, 0);
  expect(0, 256, 1, 0);
  expect(1, 256, 0, 1);
  expect(2, 256, 0, 0);
  expect(0, 0, 0, 0);
  expect(5, kTreeSizeMax, 1, 0);
}

TEST(Tile, KeepsEntriesInBundles) {
  const std::vector<std::string> entries{"one", "", std::string(kEntryBytesMax, 'x'), "four"};
  const std::string bundle = serialize_bundle(entries);
  EXPECT_EQ(bundle.substr(0, 5), std::string("\0\3one", 5));
  EXPECT_EQ(bundle.substr(5, 4), std::string("\0\0\xFF\xFF", 4));
  EXPECT_EQ(parse_bundle(bundle, 4).value(), entries);
  EXPECT_EQ(serialize_bundle({}), "");
  EXPECT_TRUE(parse_bundle("", 0).value().empty());
}

TEST(Tile, RefusesBundlesOfAnotherShape) {
  const std::string bundle = serialize_bundle(std::vector<std::string>{"one", "two"});
  for (std::size_t cut = 0; cut < bundle.size(); ++cut) {
    EXPECT_FALSE(parse_bundle(bundle.substr(0, cut), 2).ok()) << cut;
  }
  EXPECT_FALSE(parse_bundle(bundle, 1).ok());
  EXPECT_FALSE(parse_bundle(bundle, 3).ok());
  EXPECT_FALSE(parse_bundle(bundle + '\0', 2).ok());
  EXPECT_FALSE(parse_bundle(bundle, 257).ok());
}

TEST(Tile, KeepsHashes) {
  const auto leaves = make_leaves(256);
  EXPECT_EQ(serialize_hashes(leaves).size(), 8192u);
  EXPECT_EQ(parse_hashes(serialize_hashes(leaves), 256).value(), leaves);
  EXPECT_FALSE(parse_hashes(serialize_hashes(leaves), 255).ok());
  EXPECT_FALSE(parse_hashes(serialize_hashes(make_leaves(257)), 257).ok());
  EXPECT_FALSE(parse_hashes(std::string(31, '\0'), 1).ok());
}

}  // namespace
}  // namespace daemon_audit
