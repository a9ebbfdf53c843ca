// Hashes of complete subtrees, from full tiles alone and, where those end, from leaves in memory:
// partial tiles come and go under a running writer and are never needed.
#ifndef DAEMON_AUDIT_LOG_TILE_HASHES_H_
#define DAEMON_AUDIT_LOG_TILE_HASHES_H_

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "daemon/audit/tlog/hash.h"
#include "daemon/audit/tlog/tile.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

class TileHashes {
 public:
  // All full tiles below `tail_first`, a multiple of 256, can be read; `tail` are the leaves from
  // there on. Borrows both.
  TileHashes(const base::Fd& directory, std::uint64_t tail_first, std::span<const Hash> tail)
      : directory_(directory), tail_first_(tail_first), tail_(tail) {}

  // kNotFound: not within the tree, or a tile is not there. Keeps one tile of each level.
  base::Result<Hash> hash(std::uint32_t level, std::uint64_t number);

 private:
  struct Kept {
    std::uint64_t number = 0;
    std::vector<Hash> hashes;
  };
  base::Result<const std::vector<Hash>*> tile(std::uint32_t tile_level, std::uint64_t number);
  base::Result<Hash> node(std::uint32_t level, std::uint64_t number);

  const base::Fd& directory_;
  std::uint64_t tail_first_;
  std::span<const Hash> tail_;
  std::array<Kept, kTileLevelsMax> kept_;
};

// The root of 2^n hashes.
Hash root_of(std::span<const Hash> hashes);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_TILE_HASHES_H_
