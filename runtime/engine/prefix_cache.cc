#include "runtime/engine/prefix_cache.h"

#include <algorithm>
#include <bit>

#include "hardening/base/check.h"
#include "hardening/base/secret.h"

namespace runtime {

PrefixCache::PrefixCache(const Options& options, KvBlocks& blocks)
    : options_(options),
      blocks_(blocks),
      key_{},
      entries_(blocks.total()),
      tokens_(options.enabled ? blocks.total() * options.block_tokens : 0),
      buckets_(std::bit_ceil(blocks.total() + 1), kNoBlock) {
  base::fill_random(std::as_writable_bytes(std::span(key_)));
}

std::span<TokenId> PrefixCache::tokens_of(BlockId block) {
  return std::span(tokens_).subspan(static_cast<std::size_t>(block) * options_.block_tokens,
                                    options_.block_tokens);
}

std::span<const TokenId> PrefixCache::tokens_of(BlockId block) const {
  return std::span(tokens_).subspan(static_cast<std::size_t>(block) * options_.block_tokens,
                                    options_.block_tokens);
}

Hash128 PrefixCache::hash_of(const ChainPoint& parent, std::span<const TokenId> tokens) const {
  SipHash hash(key_);
  hash.add(parent.tenant);
  hash.add(parent.hash[0]);
  hash.add(parent.hash[1]);
  for (const TokenId token : tokens) hash.add(static_cast<std::uint64_t>(token));
  return hash.finish();
}

bool PrefixCache::holds(BlockId block, const ChainPoint& parent, const Hash128& hash,
                        std::span<const TokenId> tokens) const {
  const Entry& entry = at(block);
  return entry.hash == hash && entry.tenant == parent.tenant && entry.parent == parent.block &&
         entry.parent_generation == parent.generation &&
         std::ranges::equal(tokens_of(block), tokens);
}

BlockId PrefixCache::lookup(const ChainPoint& parent, const Hash128& hash,
                            std::span<const TokenId> tokens) const {
  BlockId block = buckets_[bucket_of(hash)];
  while (block != kNoBlock && !holds(block, parent, hash, tokens)) block = at(block).next;
  return block;
}

void PrefixCache::move_onto(ChainPoint& point, const Hash128& hash, BlockId block) const {
  point.hash = hash;
  point.block = block;
  point.generation = at(block).generation;
}

BlockId PrefixCache::find(ChainPoint& point, std::span<const TokenId> tokens) const {
  if (!options_.enabled || tokens.size() != options_.block_tokens) return kNoBlock;
  const Hash128 hash = hash_of(point, tokens);
  const BlockId block = lookup(point, hash, tokens);
  if (block != kNoBlock) move_onto(point, hash, block);
  return block;
}

BlockId PrefixCache::insert(ChainPoint& point, std::span<const TokenId> tokens, BlockId block) {
  if (!options_.enabled) return block;
  CHECK(tokens.size() == options_.block_tokens && blocks_.is_used(block) && !at(block).present);
  const Hash128 hash = hash_of(point, tokens);
  const BlockId known = lookup(point, hash, tokens);
  if (known != kNoBlock) {
    blocks_.retain(known);
    blocks_.release(block);
    move_onto(point, hash, known);
    return known;
  }
  Entry& entry = at(block);
  entry.tenant = point.tenant;
  entry.hash = hash;
  entry.parent = point.block;
  entry.parent_generation = point.generation;
  entry.next = buckets_[bucket_of(hash)];
  entry.present = true;
  std::ranges::copy(tokens, tokens_of(block).begin());
  buckets_[bucket_of(hash)] = block;
  blocks_.set_kept(block, true);
  move_onto(point, hash, block);
  return block;
}

BlockId PrefixCache::allocate() {
  const BlockId block = blocks_.allocate();
  if (block != kNoBlock && at(block).present) forget(block);
  return block;
}

// Blocks further along the chain stay in their buckets until they are taken in turn; nobody finds
// them, since their parent's generation is gone.
void PrefixCache::forget(BlockId block) {
  Entry& entry = at(block);
  BlockId* link = &buckets_[bucket_of(entry.hash)];
  while (*link != block) link = &at(*link).next;
  *link = entry.next;
  entry.present = false;
  ++entry.generation;
}

}  // namespace runtime
