#include "runtime/engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "runtime/engine/sip_hash.h"

namespace runtime {
namespace {

using Tokens = std::vector<TokenId>;

class PrefixCacheTest : public testing::Test {
 protected:
  static constexpr std::size_t kBlocks = 6;

  // Allocates and fills a block for each piece, as one sequence of `tenant` would.
  std::vector<BlockId> store(std::uint64_t tenant, const std::vector<Tokens>& pieces) {
    ChainPoint point = cache_.root(tenant);
    std::vector<BlockId> table;
    for (const Tokens& piece : pieces)
      table.push_back(cache_.insert(point, piece, cache_.allocate()));
    return table;
  }

  std::vector<BlockId> find(std::uint64_t tenant, const std::vector<Tokens>& pieces) {
    ChainPoint point = cache_.root(tenant);
    std::vector<BlockId> table;
    for (const Tokens& piece : pieces) {
      const BlockId block = cache_.find(point, piece);
      if (block == kNoBlock) break;
      table.push_back(block);
    }
    return table;
  }

  void release(std::vector<BlockId> table) {
    for (; !table.empty(); table.pop_back()) blocks_.release(table.back());
  }

  KvBlocks blocks_{kBlocks};
  PrefixCache cache_{{.block_tokens = 2, .enabled = true}, blocks_};
};

TEST_F(PrefixCacheTest, FindsTheLongestKnownBeginning) {
  const auto table = store(1, {{1, 2}, {3, 4}, {5, 6}});
  EXPECT_EQ(find(1, {{1, 2}, {3, 4}, {5, 6}, {7, 8}}), table);
  EXPECT_EQ(find(1, {{1, 2}, {3, 4}, {5, 7}}).size(), 2U);
  EXPECT_EQ(find(1, {{3, 4}}).size(), 0U) << "the same tokens at another place are other contents";
  EXPECT_EQ(find(1, {{1, 2}, {5, 6}}).size(), 1U);
}

TEST_F(PrefixCacheTest, KeepsTenantsApart) {
  store(1, {{1, 2}});
  EXPECT_TRUE(find(2, {{1, 2}}).empty());
  const auto other = store(2, {{1, 2}});
  EXPECT_EQ(other[0], 1);
  EXPECT_EQ(find(2, {{1, 2}}), other);
}

TEST_F(PrefixCacheTest, TheSameContentsAreHeldOnce) {
  const auto first = store(1, {{1, 2}, {3, 4}});
  const auto second = store(1, {{1, 2}, {3, 4}});
  EXPECT_EQ(first, second);
  EXPECT_EQ(blocks_.used(), 2U);
  release(first);
  EXPECT_EQ(blocks_.used(), 2U);
  release(second);
  EXPECT_EQ(blocks_.used(), 0U);
  EXPECT_EQ(blocks_.idle(), 2U);
}

TEST_F(PrefixCacheTest, ForgetsTheEndOfAChainBeforeItsBeginning) {
  release(store(1, {{1, 2}, {3, 4}, {5, 6}}));
  for (std::size_t i = 3; i < kBlocks; ++i) cache_.allocate();  // what is free
  cache_.allocate();
  EXPECT_EQ(find(1, {{1, 2}, {3, 4}, {5, 6}}).size(), 2U);
  cache_.allocate();
  EXPECT_EQ(find(1, {{1, 2}, {3, 4}, {5, 6}}).size(), 1U);
  cache_.allocate();
  EXPECT_EQ(find(1, {{1, 2}}).size(), 0U);
}

TEST_F(PrefixCacheTest, AChainWithoutItsBeginningIsNotFoundAgain) {
  // The first block goes, the second stays; then the first block is filled with the same tokens for
  // a text in which nothing says that it is the same.
  const auto table = store(1, {{1, 2}, {3, 4}});
  blocks_.release(table[0]);
  for (std::size_t i = 2; i < kBlocks; ++i) cache_.allocate();
  const BlockId reused = cache_.allocate();
  ASSERT_EQ(reused, table[0]);
  ChainPoint point = cache_.root(1);
  cache_.insert(point, Tokens{1, 2}, reused);
  EXPECT_EQ(find(1, {{1, 2}, {3, 4}}).size(), 1U);
}

TEST_F(PrefixCacheTest, FindsNothingWhenOff) {
  KvBlocks blocks(4);
  PrefixCache cache({.block_tokens = 2, .enabled = false}, blocks);
  ChainPoint point = cache.root(1);
  const BlockId block = cache.allocate();
  EXPECT_EQ(cache.insert(point, Tokens{1, 2}, block), block);
  point = cache.root(1);
  EXPECT_EQ(cache.find(point, Tokens{1, 2}), kNoBlock);
  blocks.release(block);
  EXPECT_EQ(blocks.idle(), 0U);
}

// Vectors of the SipHash reference implementation (vectors_sip128): key 00 01 … 0f, input 00 01 …
// of the length.
TEST(SipHash, GivesTheKnownAnswers) {
  const auto hash = [](std::size_t length) {
    std::array<std::byte, 16> input{};
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i);
    SipHash sip({0x0706050403020100, 0x0F0E0D0C0B0A0908});
    std::size_t at = 0;
    for (; at + 8 <= length; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, &input[at], 8);
      sip.add(word);
    }
    return sip.finish(std::span(input).subspan(at, length - at));
  };
  EXPECT_EQ(hash(0), (Hash128{0xE6A825BA047F81A3, 0x930255C71472F66D}));
  EXPECT_EQ(hash(1), (Hash128{0x44AF996BD8C187DA, 0x45FC229B11597634}));
  EXPECT_EQ(hash(7), (Hash128{0x53C1DBD8BEEBF1A1, 0x3982F01FA64AB8C0}));
  EXPECT_EQ(hash(8), (Hash128{0x61F55862BAA9623B, 0xB49714F364E2830F}));
  EXPECT_EQ(hash(15), (Hash128{0x11A8B03399E99354, 0xD9C3CF970FEC087E}));
}

}  // namespace
}  // namespace runtime
