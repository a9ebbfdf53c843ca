#include "runtime/engine/kv_blocks.h"

#include "hardening/base/check.h"

namespace runtime {

KvBlocks::KvBlocks(std::size_t count) : blocks_(count) {
  CHECK(count <= INT32_MAX);
  free_.reserve(count);
  for (std::size_t i = count; i > 0; --i) free_.push_back(static_cast<BlockId>(i - 1));
}

KvBlocks::Block& KvBlocks::at(BlockId block) {
  return blocks_[static_cast<std::size_t>(block)];
}

const KvBlocks::Block& KvBlocks::at(BlockId block) const {
  return blocks_[static_cast<std::size_t>(block)];
}

BlockId KvBlocks::allocate() {
  BlockId block = kNoBlock;
  if (!free_.empty()) {
    block = free_.back();
    free_.pop_back();
  } else if (oldest_idle_ != kNoBlock) {
    block = oldest_idle_;
    remove_idle(block);
  } else {
    return kNoBlock;
  }
  at(block).references = 1;
  at(block).kept = false;
  return block;
}

void KvBlocks::retain(BlockId block) {
  Block& it = at(block);
  CHECK(it.references > 0 || it.kept);
  if (it.references == 0) remove_idle(block);
  ++it.references;
}

void KvBlocks::release(BlockId block) {
  Block& it = at(block);
  CHECK(it.references > 0);
  if (--it.references > 0) return;
  if (it.kept) {
    append_idle(block);
  } else {
    free_.push_back(block);
  }
}

void KvBlocks::set_kept(BlockId block, bool kept) {
  Block& it = at(block);
  if (it.kept == kept) return;
  CHECK(it.references > 0 || !kept);
  it.kept = kept;
  if (it.references > 0) return;
  remove_idle(block);
  free_.push_back(block);
}

void KvBlocks::append_idle(BlockId block) {
  at(block).older = newest_idle_;
  at(block).newer = kNoBlock;
  if (newest_idle_ == kNoBlock) {
    oldest_idle_ = block;
  } else {
    at(newest_idle_).newer = block;
  }
  newest_idle_ = block;
  ++idle_;
}

void KvBlocks::remove_idle(BlockId block) {
  const Block& it = at(block);
  (it.older == kNoBlock ? oldest_idle_ : at(it.older).newer) = it.newer;
  (it.newer == kNoBlock ? newest_idle_ : at(it.newer).older) = it.older;
  --idle_;
}

}  // namespace runtime
