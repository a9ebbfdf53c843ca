#include "daemon/audit/log/tile_hashes.h"

#include <fmt/format.h>

#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/tlog/tree.h"

namespace daemon_audit {
namespace {

constexpr std::uint32_t kTileHeight = 8;  // 2^8 hashes
constexpr std::uint32_t kLevelMax = 48;

}  // namespace

Hash root_of(std::span<const Hash> hashes) {
  if (hashes.size() == 1) return hashes.front();
  const std::size_t half = hashes.size() / 2;
  return hash_node(root_of(hashes.first(half)), root_of(hashes.subspan(half)));
}

base::Result<Hash> TileHashes::hash(std::uint32_t level, std::uint64_t number) {
  const std::uint64_t size = tail_first_ + tail_.size();
  if (level > kLevelMax || number >= (kTreeSizeMax >> level) || ((number + 1) << level) > size) {
    return base::not_found(
        fmt::format("hash {} of level {} is not within {} entries", number, level, size));
  }
  return node(level, number);
}

base::Result<Hash> TileHashes::node(std::uint32_t level, std::uint64_t number) {
  const std::uint64_t first = number << level;
  const std::uint64_t count = std::uint64_t{1} << level;
  if (first >= tail_first_) return root_of(tail_.subspan(first - tail_first_, count));

  const std::uint32_t tile_level = level / kTileHeight;
  const std::uint32_t within = level % kTileHeight;
  if (first + count <= tail_first_ && tile_level < kTileLevelsMax) {
    const std::uint64_t at = number << within;  // among the hashes of the tile's level
    const std::uint64_t holder = at / kTileWidth;
    if (((holder + 1) << (kTileHeight * (tile_level + 1))) <= tail_first_) {
      const auto* hashes = TRY(tile(tile_level, holder));
      return root_of(std::span(*hashes).subspan(at % kTileWidth, std::size_t{1} << within));
    }
    // Its own tile is not full, but the one below it is what it stands for.
    if (within == 0) return root_of(*TRY(tile(tile_level - 1, number)));
  }
  const Hash left = TRY(node(level - 1, 2 * number));
  return hash_node(left, TRY(node(level - 1, 2 * number + 1)));
}

base::Result<const std::vector<Hash>*> TileHashes::tile(std::uint32_t tile_level,
                                                        std::uint64_t number) {
  Kept& kept = kept_[tile_level];
  if (kept.hashes.empty() || kept.number != number) {
    const std::string path = tile_path(TileName{.level = tile_level, .number = number});
    const auto bytes = TRY(read_log_file(directory_, path, kTileWidth * kHashBytes));
    kept.hashes = TRY(parse_hashes(bytes, kTileWidth).context(path));
    kept.number = number;
  }
  return &kept.hashes;
}

}  // namespace daemon_audit
