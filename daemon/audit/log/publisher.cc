#include "daemon/audit/log/publisher.h"

#include <algorithm>
#include <vector>

#include "daemon/audit/tlog/checkpoint.h"

namespace daemon_audit {
namespace {

// A directory of the tree has at most 1,000 names and as many ".p" beside them; unfinished ones
// come on top.
constexpr std::size_t kTileNamesMax = 4'096;
constexpr std::uint64_t kTilesInDirectory = 1'000;

std::vector<TileName> partials_of(std::uint64_t size) {
  std::vector<TileName> names;
  for (std::uint32_t level = 0; level < kTileLevelsMax; ++level) {
    const LastTile last = last_tile(level, size);
    if (last.partial_width == 0) continue;
    TileName name{.level = level, .number = last.full_tiles, .width = last.partial_width};
    names.push_back(name);
    if (level != 0) continue;
    name.entries = true;
    names.push_back(name);
  }
  return names;
}

}  // namespace

// All directories in which there can be partial files of sizes from `published_size` to `size`, and
// one before: an unlink may not have been durable.
base::Status Publisher::resume(std::uint64_t published_size, std::uint64_t size) {
  published_size_ = published_size;
  for (std::uint32_t level = 0; level < kTileLevelsMax; ++level) {
    const std::uint64_t to = last_tile(level, size).full_tiles;
    std::uint64_t from = last_tile(level, published_size).full_tiles;
    from -= std::min(from, kTilesInDirectory);
    for (std::uint64_t number = from - from % kTilesInDirectory; number <= to;
         number += kTilesInDirectory) {
      TRY(find_partials(false, level, number));
      if (level == 0) TRY(find_partials(true, level, number));
    }
  }
  return {};
}

// In the directory that tile `number` is in.
base::Status Publisher::find_partials(bool entries, std::uint32_t level, std::uint64_t number) {
  const auto folder =
      parent_path(tile_path(TileName{.entries = entries, .level = level, .number = number}));
  for (const auto& name : TRY(list_log_directory(directory_.fd(), folder, kTileNamesMax))) {
    const std::string path = folder + "/" + name;
    if (name.starts_with(kUnfinishedPrefix)) TRY(directory_.remove(path));
    if (!name.ends_with(".p")) continue;
    bool any = false;
    for (const auto& width : TRY(list_log_directory(directory_.fd(), path, kTileNamesMax))) {
      const auto partial = parse_tile_path(path + "/" + width);
      if (partial) {
        partials_.insert(*partial);
        any = true;
      } else if (width.starts_with(kUnfinishedPrefix)) {
        TRY(directory_.remove(path + "/" + width));
      }
    }
    if (!any) directory_.remove_directory(path);
  }
  return {};
}

base::Status Publisher::publish(const LogTail& tail, const std::string& checkpoint, bool durable) {
  if (tail.size() == published_size_ && (durable_ || !durable)) return {};
  const auto sync = durable ? LogDirectory::Sync::kFile : LogDirectory::Sync::kNone;
  TRY(write_partials(tail, sync));
  // The checkpoint is never durable before what it is over.
  if (durable) TRY(directory_.sync_directories());
  TRY(directory_.write("checkpoint", checkpoint, sync));
  if (durable) TRY(directory_.sync_directories());
  published_size_ = tail.size();
  durable_ = durable;
  remove_superseded(tail, durable);
  if (durable) TRY(directory_.sync_directories());
  return {};
}

base::Status Publisher::write_partials(const LogTail& tail, LogDirectory::Sync sync) {
  for (const TileName& name : partials_of(tail.size())) {
    partials_.insert(name);  // before it is there: a failure may leave it behind
    const std::string bytes = name.entries ? serialize_bundle(tail.entries())
                                           : serialize_hashes(tail.edge().filling(name.level));
    TRY(directory_.write(tile_path(name), bytes, sync));
  }
  return {};
}

void Publisher::remove_superseded(const LogTail& tail, bool durable) {
  std::set<TileName> kept;
  for (const TileName& name : partials_of(tail.size())) kept.insert(name);
  for (auto at = partials_.begin(); at != partials_.end();) {
    const std::string path = tile_path(*at);
    if (kept.contains(*at) || !directory_.remove(path).ok()) {
      ++at;
      continue;
    }
    const std::string folder = parent_path(path);  // "NNN.p"
    directory_.remove_directory(folder);           // when it was the last
    if (durable) {
      directory_.remember(folder);
      directory_.remember(parent_path(folder));
    }
    at = partials_.erase(at);
  }
}

}  // namespace daemon_audit
