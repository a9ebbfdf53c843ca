// A tree as its complete subtrees, and the proofs over it. Indexes and sizes count leaves from 0; a
// subtree of level L begins at a multiple of 2^L and has 2^L leaves.
//
// Nothing here reads files: whoever has the hashes hands them in through HashReader.
#ifndef DAEMON_AUDIT_TLOG_TREE_H_
#define DAEMON_AUDIT_TLOG_TREE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "daemon/audit/tlog/hash.h"
#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::uint64_t kTreeSizeMax = std::uint64_t{1} << 48;

// The root of the complete subtree `number` of level `level`: of leaves [number << level, (number +
// 1) << level).
using HashReader = std::function<base::Result<Hash>(std::uint32_t level, std::uint64_t number)>;

// The root of the first `size` leaves (MTH). The empty tree's for 0.
base::Result<Hash> tree_root(std::uint64_t size, const HashReader& hashes);

// PATH(index, D[size]) of RFC 6962 section 2.1.1, leaf to root. Requires index < size.
base::Result<std::vector<Hash>> prove_inclusion(std::uint64_t index, std::uint64_t size,
                                                const HashReader& hashes);
// PROOF(old_size, D[size]) of section 2.1.2. Requires 0 < old_size <= size.
base::Result<std::vector<Hash>> prove_consistency(std::uint64_t old_size, std::uint64_t size,
                                                  const HashReader& hashes);

// RFC 9162 sections 2.1.3.2 and 2.1.4.2. kDenied says what does not fit.
base::Status check_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                             std::span<const Hash> proof, const Hash& root);
base::Status check_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                               const Hash& root, std::span<const Hash> proof);

// The right edge of a growing tree: everything needed to add leaves, to know the root, and to prove
// what was added lately. Per level of tiles it keeps the hashes of the tile being filled and of the
// full one before it.
class TreeEdge {
 public:
  explicit TreeEdge() = default;
  // A tree of `size` leaves whose hashes can be read. kCorrupt when they do not fit each other.
  static base::Result<TreeEdge> load(std::uint64_t size, const HashReader& hashes);

  void append(const Hash& leaf);
  std::uint64_t size() const { return size_; }
  Hash root() const;
  // Of one of the last 256 leaves; kNotFound for others. Computes no hash but those beside the
  // tree's right end.
  base::Result<std::vector<Hash>> prove_recent(std::uint64_t index) const;
  // The hashes of level `tile_level` tiles (level 0: leaves; level 1: roots of 256 leaves; …) that
  // the tile being filled has: 0 to 255 of them, and those of the full tile before it.
  std::span<const Hash> filling(std::uint32_t tile_level) const;
  std::span<const Hash> last_full(std::uint32_t tile_level) const;  // empty: none yet
  std::uint32_t tile_levels() const { return static_cast<std::uint32_t>(levels_.size()); }

 private:
  // A tile with the nodes over its hashes: row r has those 2^r hashes wide.
  struct Tile {
    std::array<std::vector<Hash>, 9> rows;
    std::uint32_t width() const { return static_cast<std::uint32_t>(rows[0].size()); }
    void append(const Hash& hash);
  };
  struct Level {
    Tile last_full;
    Tile filling;
  };
  const Hash* find(std::uint32_t level, std::uint64_t number) const;

  std::uint64_t size_ = 0;
  std::vector<Level> levels_;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_TREE_H_
