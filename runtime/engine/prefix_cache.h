// Finds KV blocks that already hold the beginning of a sequence.
//
// Full blocks alone are shared, and they are never written again. A block is known by its tenant,
// the block before it, and its tokens; from the first block on this chain is the whole text so far.
// A keyed hash of the chain finds a candidate and the comparison of all three decides, so that no
// two texts and no two tenants are ever mixed up, whatever their hashes. Whether tokens come from
// the cache or are computed again, the bits are the same (kernels/ops.h, batch-invariance): the
// cache is a matter of time alone, though of time that another tenant could measure, which is why
// each has its own.
#ifndef RUNTIME_ENGINE_PREFIX_CACHE_H_
#define RUNTIME_ENGINE_PREFIX_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/engine/kv_blocks.h"
#include "runtime/engine/sip_hash.h"
#include "runtime/token.h"

namespace runtime {

// How far a sequence's full blocks have been followed: the block last passed and the hash up to it.
struct ChainPoint {
  std::uint64_t tenant = 0;
  Hash128 hash{};
  BlockId block = kNoBlock;      // kNoBlock: at the beginning
  std::uint64_t generation = 0;  // of that block's contents
};

// All memory is taken at creation. Belongs to one thread.
class PrefixCache {
 public:
  struct Options {
    std::size_t block_tokens = 0;
    bool enabled = true;  // when not, nothing is found and nothing kept
  };

  // `blocks` outlives the cache; from now on blocks are allocated through the cache alone. The key
  // of the hash is drawn at random.
  PrefixCache(const Options& options, KvBlocks& blocks);

  ChainPoint root(std::uint64_t tenant) const { return {tenant, {}, kNoBlock, 0}; }

  // The block that continues the chain with these tokens, or kNoBlock; moves `point` onto it. Takes
  // no reference.
  BlockId find(ChainPoint& point, std::span<const TokenId> tokens) const;

  // Makes a full block known that the caller has a reference to. When the same contents are known
  // already, the reference moves to that block. Returns the block that holds the contents; moves
  // `point` onto it.
  BlockId insert(ChainPoint& point, std::span<const TokenId> tokens, BlockId block);

  // KvBlocks::allocate, forgetting what the block held.
  BlockId allocate();

 private:
  struct Entry {
    std::uint64_t tenant = 0;
    Hash128 hash{};
    BlockId parent = kNoBlock;
    std::uint64_t parent_generation = 0;
    std::uint64_t generation =
        0;  // grows when the contents are forgotten, so that no child finds them again
    BlockId next = kNoBlock;  // in the bucket
    bool present = false;
  };

  Hash128 hash_of(const ChainPoint& parent, std::span<const TokenId> tokens) const;
  bool holds(BlockId block, const ChainPoint& parent, const Hash128& hash,
             std::span<const TokenId> tokens) const;
  BlockId lookup(const ChainPoint& parent, const Hash128& hash,
                 std::span<const TokenId> tokens) const;
  void forget(BlockId block);
  void move_onto(ChainPoint& point, const Hash128& hash, BlockId block) const;

  Entry& at(BlockId block) { return entries_[static_cast<std::size_t>(block)]; }
  const Entry& at(BlockId block) const { return entries_[static_cast<std::size_t>(block)]; }
  std::span<TokenId> tokens_of(BlockId block);
  std::span<const TokenId> tokens_of(BlockId block) const;
  std::size_t bucket_of(const Hash128& hash) const { return hash[0] & (buckets_.size() - 1); }

  Options options_;
  KvBlocks& blocks_;
  SipKey key_;
  std::vector<Entry> entries_;    // by block
  std::vector<TokenId> tokens_;   // [blocks, block_tokens]
  std::vector<BlockId> buckets_;  // a power of two; heads of lists through Entry::next
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_PREFIX_CACHE_H_
