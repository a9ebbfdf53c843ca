#include "daemon/audit/log/verify_scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/audit/tlog/tree.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kBundleFileBytesMax = kTileWidth * (2 + kEntryBytesMax);
constexpr std::size_t kTileFileBytesMax = kTileWidth * kHashBytes;
constexpr std::uint64_t kNoJournal = kTreeSizeMax;  // a multiple of 256

TileName hash_tile(std::uint32_t level, std::uint64_t number, std::uint32_t width = kTileWidth) {
  return {.entries = false, .level = level, .number = number, .width = width};
}
TileName bundle(std::uint64_t number, std::uint32_t width = kTileWidth) {
  return {.entries = true, .level = 0, .number = number, .width = width};
}

// The listed partial tiles of one place.
std::span<const TileName> partials_at(std::span<const TileName> sorted, TileName name) {
  name.width = 0;
  const auto begin = std::lower_bound(sorted.begin(), sorted.end(), name);
  ++name.number;
  return {begin, std::lower_bound(begin, sorted.end(), name)};
}

}  // namespace

EntryScan::EntryScan(Parts parts, Findings& findings)
    : parts_(std::move(parts)),
      findings_(findings),
      journal_first_(parts_.journals.empty() ? kNoJournal : parts_.journals.front().first),
      tree_(journal_first_),
      entries_(parts_.key.text(), findings) {}

void EntryScan::run() {
  read_journals();
  bundles_to(parts_.published);
  judge_doubts();
  check_leaf_places();
  check_upper_places();
  check_ends();
  if (!findings_.full()) entries_.finish(live());
}

void EntryScan::append(std::uint64_t index, std::string_view record) {
  if (!first_) first_ = index;
  entries_.check(index, record);
  tree_.append(hash_leaf(record));
}

void EntryScan::compare(const std::string& where, std::uint64_t index, const Hash& leaf,
                        Findings& findings) {
  const auto known = tree_.leaves(index, 1);
  if (known.empty() || known[0] != leaf) {
    findings.add(where, fmt::format("its entry {} is another one than is found elsewhere", index));
  }
}

void EntryScan::bundles_to(std::uint64_t end) {
  while (tree_.size() < end && !findings_.full()) {
    const std::uint64_t number = tree_.size() / kTileWidth;
    if (!read_bundle(number, end) && !take_hashes(number)) {
      return findings_.add(tile_path(bundle(number)),
                           "neither its entries nor their hashes can be had: nothing from here on "
                           "can be checked");
    }
    if (number != places_checked_ || tree_.size() % kTileWidth != 0) continue;
    check_place({.level = 0,
                 .number = number,
                 .hashes = tree_.leaves(number * kTileWidth, kTileWidth),
                 .bundle_read = kTileWidth});
    places_checked_ = number + 1;
  }
}

bool EntryScan::read_bundle(std::uint64_t number, std::uint64_t end) {
  const std::uint64_t begin = number * kTileWidth;
  const auto width = static_cast<std::uint32_t>(std::min<std::uint64_t>(kTileWidth, end - begin));
  const std::string where = tile_path(bundle(number, width));
  const auto bytes = find_bundle(number, width);
  if (!bytes) return false;
  const auto records = parse_bundle(*bytes, width);
  if (!records.ok()) {
    findings_.add(where, records.error().message);
    return false;
  }
  for (std::uint32_t i = 0; i < width && !findings_.full(); ++i) {
    const std::string& record = records.value()[i];
    if (begin + i < tree_.size()) {
      compare(where, begin + i, hash_leaf(record), findings_);
    } else {
      append(begin + i, record);
    }
  }
  return true;
}

std::optional<std::string> EntryScan::find_bundle(std::uint64_t number, std::uint32_t width) {
  auto file = parts_.files.read(tile_path(bundle(number, width)), kBundleFileBytesMax);
  if (!file.missing) return std::move(file.bytes);
  if (width == kTileWidth) {
    missing_bundle_ = number;  // perhaps by retention: check_ends()
  } else {
    findings_.add(tile_path(bundle(number, width)), "is missing");
  }
  return std::nullopt;
}

// What was removed by retention stays in the tree as its hashes.
bool EntryScan::take_hashes(std::uint64_t number) {
  if (tree_.size() % kTileWidth != 0) return false;
  const auto file = parts_.files.read(tile_path(hash_tile(0, number)), kTileFileBytesMax);
  if (!file.bytes) return false;
  const auto hashes = parse_hashes(*file.bytes, kTileWidth);
  if (!hashes.ok()) return false;
  for (const Hash& leaf : hashes.value()) tree_.append(leaf);
  entries_.skip_to(tree_.size());
  return true;
}

void EntryScan::read_journals() {
  const auto journals = parts_.journals;
  for (std::size_t i = 0; i < journals.size(); ++i) {
    bundles_to(journals[i].first);
    if (findings_.full() || tree_.size() < journals[i].first) return;
    const bool newest = i + 1 == journals.size();
    read_journal(journals[i], newest ? kTreeSizeMax : journals[i + 1].first, newest);
  }
}

void EntryScan::read_journal(const JournalFile& file, std::uint64_t believed_to, bool newest) {
  const JournalVisitor visitor{
      .entry =
          [&](const std::string& where, std::uint64_t index, std::string_view record) {
            if (index < tree_.size()) {
              compare(where, index, hash_leaf(record), findings_);
            } else if (index < believed_to) {
              append(index, record);
            } else {
              doubtful_entries_.push_back({where, index, hash_leaf(record)});
            }
          },
      .checkpoint =
          [&](const std::string& where, std::uint64_t size, std::string_view note) {
            journal_checkpoint(where, size, note, size <= believed_to);
          },
      .sealed = [&](const Hash& digest) { journal_sealed_.push_back(digest); }};
  check_journal(file, {.believed_to = believed_to, .newest = newest}, visitor, parts_.files,
                findings_, doubts_);
}

void EntryScan::journal_checkpoint(const std::string& where, std::uint64_t size,
                                   std::string_view note, bool believed) {
  const std::string place =
      fmt::format("{}, checkpoint behind entry {}", where, static_cast<std::int64_t>(size) - 1);
  const auto checkpoint = check_own_checkpoint(place, note, parts_.key, findings_);
  if (!checkpoint) return;
  if (checkpoint->size != size) return findings_.add(place, "names another size");
  RootClaim claim{.size = size, .root = checkpoint->root, .where = place};
  if (!believed) return doubtful_claims_.push_back(std::move(claim));
  check_claim(claim);
  if (size < journal_head_size_) return;
  journal_head_size_ = size;
  journal_head_ = note;
}

// What was left by a write that failed, or by a crash, is told of by a record behind it. Else it
// has to be what the log goes on with.
void EntryScan::judge_doubts() {
  for (const DoubtfulEntry& entry : doubtful_entries_) {
    compare(entry.where, entry.index, entry.leaf, doubts_);
  }
  for (const RootClaim& claim : doubtful_claims_) check_claim(claim, doubts_);
  const std::uint64_t newest_first = live() ? parts_.journals.back().first : 0;
  if (entries_.last_recovery().value_or(0) > newest_first) return;
  for (const std::string& line : std::move(doubts_).take()) findings_.add("journal", line);
}

void EntryScan::check_leaf_places() {
  for (; places_checked_ * kTileWidth < tree_.size() && !findings_.full(); ++places_checked_) {
    const std::uint64_t begin = places_checked_ * kTileWidth;
    const std::uint64_t count = std::min<std::uint64_t>(kTileWidth, tree_.size() - begin);
    check_place({.level = 0,
                 .number = places_checked_,
                 .hashes = tree_.leaves(begin, count),
                 .bundle_read = 0});
  }
}

void EntryScan::check_upper_places() {
  for (std::uint32_t level = 1; level < kTileLevelsMax; ++level) {
    const auto hashes = tree_.level(level);
    for (std::size_t begin = 0; begin < hashes.size() && !findings_.full(); begin += kTileWidth) {
      check_place({.level = level,
                   .number = begin / kTileWidth,
                   .hashes = hashes.subspan(
                       begin, std::min<std::size_t>(kTileWidth, hashes.size() - begin)),
                   .bundle_read = 0});
    }
  }
}

void EntryScan::check_place(const Place& place) {
  const std::uint64_t begin = place.number * kTileWidth;
  const std::uint64_t published = parts_.published >> (8 * place.level);
  const std::uint64_t wanted =
      published <= begin ? 0 : std::min<std::uint64_t>(kTileWidth, published - begin);
  for (const bool entries : {false, true}) {
    if (entries && place.level != 0) continue;
    TileName name{.entries = entries, .level = place.level, .number = place.number};
    if (place.hashes.size() == kTileWidth && !(entries && place.bundle_read == kTileWidth)) {
      check_file(name, place.hashes, wanted == kTileWidth);
    }
    bool listed = false;
    for (const TileName& partial : partials_at(parts_.listing.partials, name)) {
      const bool needed = partial.width == wanted;
      listed = listed || needed;
      if (!needed && !live()) {
        findings_.add(tile_path(partial), "is no tile of a log of the published size");
      }
      if (partial.width <= place.hashes.size()) {
        check_file(partial, place.hashes.first(partial.width), needed);
      }
    }
    name.width = static_cast<std::uint32_t>(wanted);
    if (wanted % kTileWidth != 0 && !listed && wanted <= place.hashes.size())
      check_file(name, place.hashes.first(wanted), true);
  }
}

// A file's content is what the tree has there.
void EntryScan::check_file(const TileName& name, std::span<const Hash> expected, bool needed) {
  const std::string path = tile_path(name);
  const auto file = parts_.files.read(path, name.entries ? kBundleFileBytesMax : kTileFileBytesMax);
  if (file.missing && !may_be_gone(name, needed)) findings_.add(path, "is missing");
  if (!file.bytes) return;
  std::vector<Hash> found;
  if (name.entries) {
    const auto records = parse_bundle(*file.bytes, name.width);
    if (!records.ok()) return findings_.add(path, records.error().message);
    for (const std::string& record : records.value()) found.push_back(hash_leaf(record));
  } else {
    auto hashes = parse_hashes(*file.bytes, name.width);
    if (!hashes.ok()) return findings_.add(path, hashes.error().message);
    found = std::move(hashes).value();
  }
  const auto differs = std::mismatch(found.begin(), found.end(), expected.begin());
  if (differs.first == found.end()) return;
  findings_.add(path, fmt::format("{} {} is not what the entries make",
                                  name.entries ? "entry" : "hash", differs.first - found.begin()));
}

// Under a running auditor, a partial tile that has been replaced since.
bool EntryScan::may_be_gone(const TileName& name, bool needed) const {
  if (!needed) return name.width == kTileWidth || live();
  return name.width < kTileWidth && live() && parts_.moved_on();
}

void EntryScan::check_ends() {
  if (findings_.full()) return;
  const auto beyond = [&](const TileName& name) {
    findings_.add(tile_path(name), "lies beyond the end of the log");
  };
  for (std::uint32_t level = 0; level < kTileLevelsMax; ++level) {
    const std::uint64_t full = tree_.size() >> (8 * (level + 1));
    const FullTiles& tiles = parts_.listing.hashes[level];
    if (tiles.count > 0 && tiles.last >= full) beyond(hash_tile(level, tiles.last));
  }
  const FullTiles& bundles = parts_.listing.entries;
  if (bundles.count > 0 && bundles.last >= tree_.size() / kTileWidth) beyond(bundle(bundles.last));
  for (const TileName& name : parts_.listing.partials) {
    const std::uint64_t count = tree_.size() >> (8 * name.level);
    if (name.number * kTileWidth + name.width > count) beyond(name);
  }
  if (parts_.published > tree_.size()) {
    findings_.add("checkpoint", fmt::format("names {} entries; only {} can be had",
                                            parts_.published, tree_.size()));
  }
  if (missing_bundle_ && (*missing_bundle_ + 1) * kTileWidth > entries_.pruned_first()) {
    findings_.add(tile_path(bundle(*missing_bundle_)), "is missing, and no log.pruned explains it");
  }
}

void EntryScan::check_claim(const RootClaim& claim, Findings& findings) {
  if (claim.size > tree_.size()) {
    return findings.add(claim.where, fmt::format("names {} entries; the log ends with {}",
                                                 claim.size, tree_.size()));
  }
  const auto root = tree_.root(claim.size, [this](std::uint64_t number) -> std::vector<Hash> {
    const auto file = parts_.files.read(tile_path(hash_tile(0, number)), kTileFileBytesMax);
    auto hashes = parse_hashes(file.bytes.value_or(""), kTileWidth);
    return hashes.ok() ? std::move(hashes).value() : std::vector<Hash>();
  });
  if (!root || *root != claim.root) {
    findings.add(claim.where, fmt::format("its root is not that of the log's first {} entries: "
                                          "something was changed, or this is another log",
                                          claim.size));
  }
}

}  // namespace daemon_audit
