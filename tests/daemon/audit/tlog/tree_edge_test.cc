#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/audit/tlog/tile.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/hex.h"
#include "tests/daemon/audit/tlog/naive_tree.h"

namespace daemon_audit {
namespace {

// Tree sizes around the ends of tiles of the first two levels.
constexpr std::size_t kTellingSizes[] = {0,     1,     2,     255,   256,  257,   300,
                                         511,   512,   513,   1000,  4097, 65535, 65536,
                                         65537, 65791, 65792, 65793, 70000};

TEST(TreeEdge, HasTheRootOfTheWholeTreeAtEachSize) {
  const auto leaves = make_leaves(1100);
  const auto hashes = reader_over(leaves);
  TreeEdge edge;
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    ASSERT_EQ(edge.size(), size);
    ASSERT_EQ(edge.root(), tree_root(size, hashes).value()) << size;
    if (size < leaves.size()) edge.append(leaves[size]);
  }
}

TEST(TreeEdge, ProvesTheLastLeavesAndNoOthers) {
  const auto leaves = make_leaves(70'000);
  const auto hashes = reader_over(leaves);
  TreeEdge edge;
  for (const std::size_t size : kTellingSizes) {
    while (edge.size() < size) edge.append(leaves[edge.size()]);
    const std::size_t oldest = size < 256 ? 0 : size - 256;
    for (std::size_t i = oldest; i < size; i += i + 17 < size && i > oldest ? 17 : 1) {
      const auto proof = edge.prove_recent(i);
      ASSERT_TRUE(proof.ok()) << i << " of " << size;
      ASSERT_EQ(proof.value(), prove_inclusion(i, size, hashes).value()) << i << " of " << size;
    }
    EXPECT_FALSE(edge.prove_recent(size).ok());
    if (oldest > 0) {
      EXPECT_EQ(edge.prove_recent(oldest - 1).error().code, base::ErrorCode::kNotFound);
    }
  }
}

TEST(TreeEdge, LoadedIsTheOneThatGrew) {
  const auto leaves = make_leaves(70'000);
  const auto hashes = reader_over(leaves);
  TreeEdge grown;
  for (const std::size_t size : kTellingSizes) {
    while (grown.size() < size) grown.append(leaves[grown.size()]);
    auto loaded = TreeEdge::load(size, hashes);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    TreeEdge& edge = loaded.value();
    EXPECT_EQ(edge.size(), grown.size());
    EXPECT_EQ(edge.root(), grown.root()) << size;
    ASSERT_EQ(edge.tile_levels(), grown.tile_levels()) << size;
    for (std::uint32_t level = 0; level <= grown.tile_levels(); ++level) {
      EXPECT_TRUE(std::ranges::equal(edge.filling(level), grown.filling(level))) << size;
      EXPECT_TRUE(std::ranges::equal(edge.last_full(level), grown.last_full(level))) << size;
    }
    if (size > 0 && size < leaves.size()) {
      TreeEdge further = grown;
      edge.append(leaves[size]);
      further.append(leaves[size]);
      EXPECT_EQ(edge.root(), further.root());
      EXPECT_EQ(edge.prove_recent(size).value(), prove_inclusion(size, size + 1, hashes).value());
    }
  }
}

// C2SP tlog-tiles names the tiles of this size; the root is Python's (hashlib, the recursion of RFC
// 6962).
TEST(TreeEdge, HasTheTilesThatTheFormatNamesForSeventyThousandLeaves) {
  TreeEdge edge;
  for (const Hash& leaf : make_leaves(70'000)) edge.append(leaf);
  EXPECT_EQ(base::to_hex(edge.root()),
            "db95a5c3802aae796452d22b34d53e749c9bc06fbe9ad229954d80d8eaa3ee16");
  ASSERT_EQ(edge.tile_levels(), 3u);
  EXPECT_EQ(edge.filling(0).size(), 112u);
  EXPECT_EQ(edge.filling(1).size(), 17u);
  EXPECT_EQ(edge.filling(2).size(), 1u);
  EXPECT_EQ(edge.last_full(0).size(), 256u);
  EXPECT_EQ(edge.last_full(1).size(), 256u);
  EXPECT_TRUE(edge.last_full(2).empty());
  EXPECT_TRUE(edge.filling(3).empty());
}

TEST(TreeEdge, RefusesHashesThatDoNotFitEachOther) {
  const auto leaves = make_leaves(600);
  const auto hashes = reader_over(leaves);
  const HashReader bent = [&](std::uint32_t level, std::uint64_t number) {
    auto hash = hashes(level, number);
    if (hash.ok() && level == 0 && number == 300) hash.value()[3] ^= std::byte{1};
    return hash;
  };
  EXPECT_EQ(TreeEdge::load(600, bent).error().code, base::ErrorCode::kCorrupt);
  EXPECT_EQ(TreeEdge::load(700, hashes).error().code, base::ErrorCode::kNotFound);
  EXPECT_FALSE(TreeEdge::load(kTreeSizeMax + 1, hashes).ok());
}

}  // namespace
}  // namespace daemon_audit
