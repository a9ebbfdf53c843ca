// The growing end of a tree. Tiles are eight levels high, so row r of tile level t is level 8t + r
// of the tree.
#include <fmt/format.h>

#include <optional>

#include "daemon/audit/tlog/tile.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/check.h"

namespace daemon_audit {
namespace {

constexpr std::uint32_t kRows = 8;  // 2^8 hashes are a tile

}  // namespace

void TreeEdge::Tile::append(const Hash& hash) {
  if (rows[0].empty()) {
    for (std::uint32_t r = 0; r <= kRows; ++r) rows[r].reserve(kTileWidth >> r);
  }
  rows[0].push_back(hash);
  for (std::uint32_t r = 0; r < kRows && rows[r].size() % 2 == 0; ++r) {
    rows[r + 1].push_back(hash_node(rows[r].end()[-2], rows[r].back()));
  }
}

base::Result<TreeEdge> TreeEdge::load(std::uint64_t size, const HashReader& hashes) {
  if (size > kTreeSizeMax) return base::invalid_input("tree: more than 2^48 leaves");
  TreeEdge edge;
  edge.size_ = size;
  for (std::uint32_t t = 0; (size >> (kRows * t)) > 0; ++t) {
    const std::uint64_t count = size >> (kRows * t);
    const std::uint64_t filling_first = count - count % kTileWidth;
    Level& level = edge.levels_.emplace_back();
    for (std::uint64_t i = filling_first; i < count; ++i) {
      level.filling.append(TRY(hashes(kRows * t, i)));
    }
    if (filling_first == 0) continue;
    for (std::uint64_t i = filling_first - kTileWidth; i < filling_first; ++i) {
      level.last_full.append(TRY(hashes(kRows * t, i)));
    }
    const Hash above = TRY(hashes(kRows * (t + 1), filling_first / kTileWidth - 1));
    if (level.last_full.rows[kRows].front() != above) {
      return base::corrupt(
          fmt::format("tree: tile {} of level {} has not the root that level {} says",
                      filling_first / kTileWidth - 1, t, t + 1));
    }
  }
  return edge;
}

void TreeEdge::append(const Hash& leaf) {
  CHECK(size_ < kTreeSizeMax);
  ++size_;
  std::optional<Hash> carried = leaf;
  for (std::size_t t = 0; carried; ++t) {
    if (t == levels_.size()) levels_.emplace_back();
    Level& level = levels_[t];
    level.filling.append(*carried);
    carried.reset();
    if (level.filling.width() == kTileWidth) {
      carried = level.filling.rows[kRows].front();
      level.last_full = std::move(level.filling);
      level.filling = Tile();
    }
  }
}

Hash TreeEdge::root() const {
  std::optional<Hash> root;
  for (const Level& level : levels_) {
    // The complete subtrees of the tile that are in no larger one are the last of each odd row.
    for (std::uint32_t r = 0; r < kRows; ++r) {
      const auto& row = level.filling.rows[r];
      if (row.size() % 2 != 0) root = root ? hash_node(row.back(), *root) : row.back();
    }
  }
  return root ? *root : hash_empty_tree();
}

const Hash* TreeEdge::find(std::uint32_t level, std::uint64_t number) const {
  const std::uint32_t t = level / kRows, r = level % kRows;
  if (t >= levels_.size()) return nullptr;
  const std::uint64_t row_width = kTileWidth >> r;
  const std::uint64_t tile = number / row_width, position = number % row_width;
  const std::uint64_t filling_tile = (size_ >> (kRows * t)) / kTileWidth;
  const Tile* holder = tile == filling_tile       ? &levels_[t].filling
                       : tile + 1 == filling_tile ? &levels_[t].last_full
                                                  : nullptr;
  if (holder == nullptr || position >= holder->rows[r].size()) return nullptr;
  return &holder->rows[r][position];
}

base::Result<std::vector<Hash>> TreeEdge::prove_recent(std::uint64_t index) const {
  if (index >= size_ || size_ - index > kTileWidth) {
    return base::not_found(
        fmt::format("tree: leaf {} is not one of the last {} of {}", index, kTileWidth, size_));
  }
  return prove_inclusion(index, size_,
                         [this](std::uint32_t level, std::uint64_t number) -> base::Result<Hash> {
                           const Hash* hash = find(level, number);
                           CHECK(hash != nullptr);
                           return *hash;
                         });
}

std::span<const Hash> TreeEdge::filling(std::uint32_t tile_level) const {
  if (tile_level >= levels_.size()) return {};
  return levels_[tile_level].filling.rows[0];
}

std::span<const Hash> TreeEdge::last_full(std::uint32_t tile_level) const {
  if (tile_level >= levels_.size()) return {};
  return levels_[tile_level].last_full.rows[0];
}

}  // namespace daemon_audit
