#include "runtime/engine/kv_blocks.h"

#include <gtest/gtest.h>

namespace runtime {
namespace {

TEST(KvBlocks, GivesEachBlockOnce) {
  KvBlocks blocks(3);
  EXPECT_EQ(blocks.allocate(), 0);
  EXPECT_EQ(blocks.allocate(), 1);
  EXPECT_EQ(blocks.allocate(), 2);
  EXPECT_EQ(blocks.allocate(), kNoBlock);
  EXPECT_EQ(blocks.used(), 3U);
  blocks.release(1);
  EXPECT_EQ(blocks.available(), 1U);
  EXPECT_EQ(blocks.allocate(), 1);
}

TEST(KvBlocks, ABlockIsFreeAfterItsLastReference) {
  KvBlocks blocks(1);
  const BlockId block = blocks.allocate();
  blocks.retain(block);
  blocks.release(block);
  EXPECT_EQ(blocks.allocate(), kNoBlock);
  blocks.release(block);
  EXPECT_EQ(blocks.allocate(), block);
}

TEST(KvBlocks, TakesFreeBlocksFirstAndThenTheLongestIdle) {
  KvBlocks blocks(4);
  for (int i = 0; i < 4; ++i) blocks.set_kept(blocks.allocate(), i != 1);
  for (const BlockId block : {2, 1, 0, 3}) blocks.release(block);
  EXPECT_EQ(blocks.idle(), 3U);
  EXPECT_EQ(blocks.available(), 4U);
  EXPECT_EQ(blocks.allocate(), 1) << "has no contents";
  EXPECT_EQ(blocks.allocate(), 2);
  EXPECT_EQ(blocks.allocate(), 0);
  EXPECT_EQ(blocks.allocate(), 3);
  EXPECT_FALSE(blocks.is_kept(3));
}

TEST(KvBlocks, AnIdleBlockCanBeUsedAgain) {
  KvBlocks blocks(3);
  for (int i = 0; i < 3; ++i) blocks.set_kept(blocks.allocate(), true);
  for (const BlockId block : {0, 1, 2}) blocks.release(block);
  blocks.retain(1);  // from the middle of the waiting
  EXPECT_EQ(blocks.idle(), 2U);
  EXPECT_EQ(blocks.allocate(), 0);
  EXPECT_EQ(blocks.allocate(), 2);
  EXPECT_EQ(blocks.allocate(), kNoBlock);
  blocks.release(1);
  EXPECT_EQ(blocks.allocate(), 1) << "its use made it the newest";
}

TEST(KvBlocks, AnIdleBlockWhoseContentsAreNotWantedIsFree) {
  KvBlocks blocks(2);
  for (int i = 0; i < 2; ++i) blocks.set_kept(blocks.allocate(), true);
  blocks.release(0);
  blocks.release(1);
  blocks.set_kept(1, false);
  EXPECT_EQ(blocks.idle(), 1U);
  EXPECT_EQ(blocks.allocate(), 1);
}

}  // namespace
}  // namespace runtime
