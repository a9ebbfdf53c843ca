#include "daemon/audit/log/verify_tree.h"

#include <bit>

#include "hardening/base/check.h"

namespace daemon_audit {
namespace {

constexpr std::uint32_t kTileHeight = 8;  // 2^8 = kTileWidth

}  // namespace

Hash fold(std::span<const Hash> hashes) {
  if (hashes.size() == 1) return hashes[0];
  const std::size_t half = hashes.size() / 2;
  return hash_node(fold(hashes.first(half)), fold(hashes.subspan(half)));
}

void EntryTree::append(const Hash& leaf) {
  // A tile that is full and need not be kept makes room when the next one begins.
  if (size_ % kTileWidth == 0 && leaves_from_ < size_ && size_ <= kept_from_) {
    leaves_.clear();
    leaves_from_ = size_;
  }
  leaves_.push_back(leaf);
  ++size_;
  std::span<const Hash> below(leaves_);
  for (std::uint32_t level = 1;
       level < kTileLevelsMax && size_ % (std::uint64_t{1} << (kTileHeight * level)) == 0;
       ++level) {
    levels_[level].push_back(fold(below.last(kTileWidth)));
    below = levels_[level];
  }
}

std::span<const Hash> EntryTree::leaves(std::uint64_t first, std::uint64_t count) const {
  if (first < leaves_from_ || first > size_ || count > size_ - first) return {};
  return std::span(leaves_).subspan(first - leaves_from_, count);
}

std::optional<Hash> EntryTree::subtree(std::uint32_t height, std::uint64_t number,
                                       const TileReader& read_tile) const {
  const std::uint32_t level = height / kTileHeight;
  const std::uint32_t rest = height % kTileHeight;
  const std::uint64_t width = std::uint64_t{1} << rest;
  if (level >= kTileLevelsMax) return std::nullopt;
  if (level > 0) return fold(std::span(levels_[level]).subspan(number * width, width));
  const std::uint64_t first = number * width;
  if (keeps(first)) return fold(leaves(first, width));
  const std::vector<Hash> tile = read_tile(first / kTileWidth);
  if (tile.size() != kTileWidth || fold(tile) != levels_[1][first / kTileWidth])
    return std::nullopt;
  return fold(std::span(tile).subspan(first % kTileWidth, width));
}

std::optional<Hash> EntryTree::root(std::uint64_t size, const TileReader& read_tile) const {
  CHECK(size <= size_);
  if (size == 0) return hash_empty_tree();
  // The complete subtrees that `size` is the sum of, the smallest (rightmost) first.
  std::optional<Hash> root;
  for (std::uint64_t rest = size; rest != 0; rest &= rest - 1) {
    const auto height = static_cast<std::uint32_t>(std::countr_zero(rest));
    const auto peak = subtree(height, (rest >> height) - 1, read_tile);
    if (!peak) return std::nullopt;
    root = root ? hash_node(*peak, *root) : *peak;
  }
  return root;
}

}  // namespace daemon_audit
