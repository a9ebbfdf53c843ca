#include "daemon/audit/tlog/tree.h"

#include <algorithm>
#include <bit>

namespace daemon_audit {
namespace {

// Leaves [first, first + count). Every one that the recursions of RFC 6962 section 2.1 reach begins
// at a multiple of a power of two that is not below `count`.
struct Range {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

// The largest power of two below `count`, where RFC 6962 splits. Requires count > 1.
std::uint64_t split(std::uint64_t count) {
  return std::bit_floor(count - 1);
}

// MTH(D[range]): its complete subtrees from left to right, joined from right to left.
base::Result<Hash> range_root(Range range, const HashReader& hashes) {
  std::vector<Hash> complete;
  while (range.count > 0) {
    const auto level = static_cast<std::uint32_t>(std::bit_width(range.count) - 1);
    complete.push_back(TRY(hashes(level, range.first >> level)));
    range.first += std::uint64_t{1} << level;
    range.count -= std::uint64_t{1} << level;
  }
  Hash root = complete.back();
  for (std::size_t i = complete.size() - 1; i-- > 0;) root = hash_node(complete[i], root);
  return root;
}

base::Status check_size(std::uint64_t size) {
  if (size > kTreeSizeMax) return base::invalid_input("tree: more than 2^48 leaves");
  return {};
}

// Steps a position to the next level at which it has a sibling on its left, or to the top.
void skip_to_right_child(std::uint64_t& position, std::uint64_t& last) {
  while (position != 0 && (position & 1) == 0) {
    position >>= 1;
    last >>= 1;
  }
}

}  // namespace

base::Result<Hash> tree_root(std::uint64_t size, const HashReader& hashes) {
  TRY(check_size(size));
  if (size == 0) return hash_empty_tree();
  return range_root({0, size}, hashes);
}

base::Result<std::vector<Hash>> prove_inclusion(std::uint64_t index, std::uint64_t size,
                                                const HashReader& hashes) {
  TRY(check_size(size));
  if (index >= size) return base::invalid_input("tree: the leaf is beyond its end");
  std::vector<Hash> path;
  Range range{0, size};
  while (range.count > 1) {
    const std::uint64_t left = split(range.count);
    const Range low{range.first, left}, high{range.first + left, range.count - left};
    const bool goes_left = index < high.first;
    path.push_back(TRY(range_root(goes_left ? high : low, hashes)));
    range = goes_left ? low : high;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

base::Result<std::vector<Hash>> prove_consistency(std::uint64_t old_size, std::uint64_t size,
                                                  const HashReader& hashes) {
  TRY(check_size(size));
  if (old_size == 0 || old_size > size) {
    return base::invalid_input("tree: the older size is zero or beyond the newer");
  }
  std::vector<Hash> proof;
  Range range{0, size};
  // SUBPROOF: down to the range that ends where the old tree did.
  while (range.first + range.count != old_size) {
    const std::uint64_t left = split(range.count);
    const Range low{range.first, left}, high{range.first + left, range.count - left};
    const bool goes_left = old_size <= high.first;
    proof.push_back(TRY(range_root(goes_left ? high : low, hashes)));
    range = goes_left ? low : high;
  }
  // The old tree's own root is known to whoever asks.
  if (range.first != 0) proof.push_back(TRY(range_root(range, hashes)));
  std::reverse(proof.begin(), proof.end());
  return proof;
}

base::Status check_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                             std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return base::denied("inclusion: the leaf is beyond the tree's end");
  std::uint64_t position = index, last = size - 1;
  Hash reached = leaf;
  for (const Hash& sibling : proof) {
    if (last == 0) return base::denied("inclusion: the path is too long");
    if ((position & 1) != 0 || position == last) {
      reached = hash_node(sibling, reached);
      skip_to_right_child(position, last);
    } else {
      reached = hash_node(reached, sibling);
    }
    position >>= 1;
    last >>= 1;
  }
  if (last != 0) return base::denied("inclusion: the path is too short");
  if (reached != root) return base::denied("inclusion: the path does not lead to the root");
  return {};
}

base::Status check_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                               const Hash& root, std::span<const Hash> proof) {
  if (old_size > size) return base::denied("consistency: the older tree is the larger one");
  if (old_size == size || old_size == 0) {
    if (!proof.empty()) return base::denied("consistency: nothing is left to prove");
    if (old_size == size && old_root != root) {
      return base::denied("consistency: two trees of one size have different roots");
    }
    if (old_size == 0 && old_root != hash_empty_tree()) {
      return base::denied("consistency: not the root of an empty tree");
    }
    return {};
  }
  std::uint64_t position = old_size - 1, last = size - 1;
  while ((position & 1) != 0) {
    position >>= 1;
    last >>= 1;
  }
  // A complete old tree is itself the first node, and is left out of the proof.
  Hash first = old_root;
  if (!std::has_single_bit(old_size)) {
    if (proof.empty()) return base::denied("consistency: the proof is too short");
    first = proof.front();
    proof = proof.subspan(1);
  }
  Hash old_reached = first, reached = first;
  for (const Hash& node : proof) {
    if (last == 0) return base::denied("consistency: the proof is too long");
    if ((position & 1) != 0 || position == last) {
      old_reached = hash_node(node, old_reached);
      reached = hash_node(node, reached);
      skip_to_right_child(position, last);
    } else {
      reached = hash_node(reached, node);
    }
    position >>= 1;
    last >>= 1;
  }
  if (last != 0) return base::denied("consistency: the proof is too short");
  if (old_reached != old_root) return base::denied("consistency: not the older tree's root");
  if (reached != root) return base::denied("consistency: not the newer tree's root");
  return {};
}

}  // namespace daemon_audit
