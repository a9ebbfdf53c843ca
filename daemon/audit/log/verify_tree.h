// The Merkle tree as the entries make it, built anew for the verifier (RFC 6962 section 2.1): no
// hash of it was read from a file unless its entry was removed by retention.
//
// Memory: 32 bytes for 256 leaves, and all leaves from `keep_from` on.
#ifndef DAEMON_AUDIT_LOG_VERIFY_TREE_H_
#define DAEMON_AUDIT_LOG_VERIFY_TREE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "daemon/audit/tlog/hash.h"
#include "daemon/audit/tlog/tile.h"

namespace daemon_audit {

class EntryTree {
 public:
  // `keep_from`: a multiple of 256.
  explicit EntryTree(std::uint64_t keep_from) : kept_from_(keep_from) {}

  void append(const Hash& leaf);
  std::uint64_t size() const { return size_; }

  // Roots of all complete subtrees of 256^level leaves, from the left; level 1 and up.
  std::span<const Hash> level(std::uint32_t tile_level) const { return levels_[tile_level]; }
  // Leaves [first, first + count), while they are kept: from keep_from on, and of the last tile.
  std::span<const Hash> leaves(std::uint64_t first, std::uint64_t count) const;
  bool keeps(std::uint64_t index) const { return index >= leaves_from_ && index < size_; }

  // The root of the first `size` leaves. `read_tile` finds the leaves of a full tile that are not
  // kept; nothing, where it cannot or they are not those of this tree.
  using TileReader = std::function<std::vector<Hash>(std::uint64_t number)>;
  std::optional<Hash> root(std::uint64_t size, const TileReader& read_tile) const;

 private:
  std::optional<Hash> subtree(std::uint32_t height, std::uint64_t number,
                              const TileReader& read_tile) const;

  std::uint64_t size_ = 0;
  std::uint64_t kept_from_;
  std::uint64_t leaves_from_ = 0;  // index of leaves_[0], a multiple of 256
  std::vector<Hash> leaves_;
  std::array<std::vector<Hash>, kTileLevelsMax> levels_;  // [0] stays empty
};

// Of a power of two of hashes.
Hash fold(std::span<const Hash> hashes);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_VERIFY_TREE_H_
