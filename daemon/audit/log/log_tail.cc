#include "daemon/audit/log/log_tail.h"

#include "daemon/audit/tlog/tile.h"

namespace daemon_audit {

std::optional<FullBundle> LogTail::add(std::string record) {
  edge_.append(hash_leaf(record));
  entries_.push_back(std::move(record));
  if (size() % kTileWidth != 0) return std::nullopt;

  FullBundle full;
  std::uint64_t tiles = size() / kTileWidth;  // full ones of the level at hand
  full.number = tiles - 1;
  full.entries = std::exchange(entries_, {});
  for (std::uint32_t level = 0;; ++level) {
    full.tiles.emplace_back(tile_path(TileName{.level = level, .number = tiles - 1}),
                            serialize_hashes(edge_.last_full(level)));
    if (tiles % kTileWidth != 0) return full;
    tiles /= kTileWidth;
  }
}

}  // namespace daemon_audit
