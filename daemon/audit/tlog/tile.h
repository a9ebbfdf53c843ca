// Tiles: where a tree's hashes and entries lie in files (C2SP tlog-tiles).
#ifndef DAEMON_AUDIT_TLOG_TILE_H_
#define DAEMON_AUDIT_TLOG_TILE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/tlog/hash.h"
#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::uint32_t kTileWidth = 256;
inline constexpr std::uint32_t kTileLevelsMax = 6;     // 2^48 leaves
inline constexpr std::size_t kEntryBytesMax = 65'535;  // a u16 counts them

struct TileName {
  bool entries = false;     // an entry bundle; else hashes
  std::uint32_t level = 0;  // of hashes
  std::uint64_t number = 0;
  std::uint32_t width = kTileWidth;  // 1 to 255: partial

  friend auto operator<=>(const TileName&, const TileName&) = default;
};

// "tile/0/x001/234.p/112", "tile/entries/000".
std::string tile_path(const TileName& name);
// Only what tile_path() writes is accepted.
std::optional<TileName> parse_tile_path(std::string_view path);

// How wide the last tile of a level is in a tree of that size, and its number; width 0: it is full
// or there is none.
struct LastTile {
  std::uint64_t full_tiles = 0;
  std::uint32_t partial_width = 0;
};
LastTile last_tile(std::uint32_t level, std::uint64_t size);

// u16 length, big-endian, and the bytes, for each entry.
std::string serialize_bundle(std::span<const std::string> entries);
// Exactly `count` entries and nothing behind them.
base::Result<std::vector<std::string>> parse_bundle(std::string_view bytes, std::uint32_t count);

std::string serialize_hashes(std::span<const Hash> hashes);
base::Result<std::vector<Hash>> parse_hashes(std::string_view bytes, std::uint32_t count);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_TILE_H_
