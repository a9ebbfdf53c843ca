#include "daemon/audit/log/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/audit/log/journal_reader.h"
#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/log/log_extent.h"
#include "daemon/audit/log/tile_hashes.h"
#include "daemon/audit/tlog/tile.h"

namespace daemon_audit {

// What no full bundle says: entries from `first` on, a multiple of 256.
struct LogReader::JournalTail {
  std::uint64_t first = 0;
  std::vector<std::string> entries;
  std::vector<Hash> leaves;
};

namespace {

constexpr int kTries = 8;  // a writer renames and removes at most about once a second
constexpr std::size_t kTailBytesMax = std::size_t{256} << 20;
constexpr std::size_t kSealedDigestDigits = 64;

// The published checkpoint, or none: after a power failure it may be torn, and the journal has
// more.
std::optional<std::string> read_published(const base::Fd& directory, const VerifierKey& key,
                                          Checkpoint& checkpoint) {
  auto note = read_log_file(directory, "checkpoint", kCheckpointFileBytesMax);
  if (!note.ok()) return {};
  auto opened = open_checkpoint(note.value(), key);
  if (!opened.ok()) return {};
  checkpoint = std::move(opened).value();
  return std::move(note).value();
}

// The entries of the journal from tail.first on, as far as they go on from each other, and the
// checkpoint over them; nothing when the journal does not reach `published` entries.
struct FromJournal {
  std::vector<std::string> entries;
  std::string checkpoint;
};
base::Result<FromJournal> read_journal(const base::Fd& directory,
                                       const std::vector<std::uint64_t>& files,
                                       std::uint64_t first) {
  FromJournal found;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i] > first + found.entries.size()) break;  // nothing tells what lies between
    // The next file says again what belongs to it.
    const bool last = i + 1 == files.size();
    const std::uint64_t end = last ? kTreeSizeMax : files[i + 1];
    const std::string path = journal_path(files[i]);
    auto reader = JournalReader::open(TRY(open_log_file(directory, path)), files[i]);
    if (!reader.ok()) return std::move(reader).error();
    if (files[i] >= first) found.entries.resize(files[i] - first);
    while (auto batch = TRY(reader.value().next())) {
      for (std::size_t k = 0; k < batch->entries.size(); ++k) {
        const std::uint64_t index = batch->first + k;
        if (index < first || index >= end) continue;
        bytes += batch->entries[k].record.size();
        found.entries.emplace_back(batch->entries[k].record);
      }
      if (batch->first + batch->entries.size() <= end) found.checkpoint = batch->checkpoint;
      // A snapshot may end early, at a whole batch.
      if (bytes > kTailBytesMax) return found;
    }
  }
  return found;
}

std::vector<Hash> hash_leaves(const std::vector<std::string>& entries) {
  std::vector<Hash> leaves;
  leaves.reserve(entries.size());
  for (const auto& entry : entries) leaves.push_back(hash_leaf(entry));
  return leaves;
}

}  // namespace

base::Result<LogReader> LogReader::open(base::Fd directory) {
  LogReader reader;
  reader.key_ = TRY(read_verifier_key(directory));
  reader.directory_ = std::move(directory);
  for (int left = kTries;; --left) {
    auto taken = reader.take_snapshot();
    if (taken.ok()) return reader;
    // A file that was just listed or named is there no more: the writer went on.
    if (taken.error().code != base::ErrorCode::kNotFound || left == 1) {
      return std::move(taken).error();
    }
  }
}

// The journal is listed before the checkpoint is read: a writer that ends meanwhile leaves a
// checkpoint over all that its journal said.
base::Status LogReader::take_snapshot() {
  checkpoint_note_.clear();
  const auto files = TRY(list_journal(directory_));
  Checkpoint published;
  const auto note = read_published(directory_, key_, published);
  if (!note && files.empty()) {
    // Says what is wrong with it.
    const auto bytes = TRY(read_log_file(directory_, "checkpoint", kCheckpointFileBytesMax));
    return open_checkpoint(bytes, key_).context("checkpoint").error();
  }
  auto tail = std::make_shared<JournalTail>();
  tail->first = published.size - published.size % kTileWidth;
  if (!files.empty()) {
    tail->first = std::max(tail->first, files.front());
    auto found = TRY(read_journal(directory_, files, tail->first));
    if (tail->first + found.entries.size() >= published.size && !found.checkpoint.empty()) {
      tail->entries = std::move(found.entries);
      checkpoint_note_ = std::move(found.checkpoint);
    }
  }
  if (checkpoint_note_.empty()) {
    if (!note) return base::corrupt("neither the checkpoint nor the journal can be read");
    tail->first = published.size - published.size % kTileWidth;
    checkpoint_note_ = *note;
    const auto width = static_cast<std::uint32_t>(published.size - tail->first);
    if (width > 0) tail->entries = TRY(read_bundle(directory_, tail->first / kTileWidth, width));
  }
  checkpoint_ = TRY(open_checkpoint(checkpoint_note_, key_).context("checkpoint"));
  if (checkpoint_.size < tail->first || checkpoint_.size > tail->first + tail->entries.size()) {
    return base::corrupt(fmt::format("the checkpoint is over {} entries, the journal over {}",
                                     checkpoint_.size, tail->first + tail->entries.size()));
  }
  tail->entries.resize(checkpoint_.size - tail->first);
  tail->leaves = hash_leaves(tail->entries);
  first_ = TRY(first_kept_bundle(directory_, tail->first / kTileWidth)) * kTileWidth;
  tail_ = std::move(tail);
  return {};
}

base::Status LogReader::for_each(std::uint64_t from, const Visit& visit) const {
  if (from < first_) {
    return base::not_found(fmt::format("entries below {} were removed by retention", first_));
  }
  for (std::uint64_t bundle = from / kTileWidth; bundle * kTileWidth < tail_->first; ++bundle) {
    const auto entries = TRY(read_bundle(directory_, bundle, kTileWidth));
    for (std::uint64_t i = 0; i < kTileWidth; ++i) {
      const std::uint64_t index = bundle * kTileWidth + i;
      if (index >= from && !TRY(visit(index, entries[i]))) return {};
    }
  }
  for (std::uint64_t index = std::max(from, tail_->first); index < size(); ++index) {
    if (!TRY(visit(index, tail_->entries[index - tail_->first]))) return {};
  }
  return {};
}

base::Result<std::string> LogReader::entry(std::uint64_t index) const {
  if (index >= size()) {
    return base::not_found(fmt::format("the log has {} entries, there is no {}", size(), index));
  }
  if (index < first_) {
    return base::not_found(fmt::format("entry {} was removed by retention", index));
  }
  if (index >= tail_->first) return tail_->entries[index - tail_->first];
  auto entries = TRY(read_bundle(directory_, index / kTileWidth, kTileWidth));
  return std::move(entries[index % kTileWidth]);
}

base::Result<Hash> LogReader::hash(std::uint32_t level, std::uint64_t number) const {
  return TileHashes(directory_, tail_->first, tail_->leaves).hash(level, number);
}

HashReader LogReader::hashes() const {
  // Shared, since a std::function is copied: the tiles it keeps are the same ones.
  auto tiles = std::make_shared<TileHashes>(directory_, tail_->first, tail_->leaves);
  return [tiles](std::uint32_t level, std::uint64_t number) { return tiles->hash(level, number); };
}

base::Result<std::string> LogReader::sealed(std::string_view digest_hex) const {
  if (digest_hex.size() != kSealedDigestDigits ||
      digest_hex.find_first_not_of("0123456789abcdef") != digest_hex.npos) {
    return base::invalid_input("the name of a sealed text is 64 hexadecimal digits");
  }
  return read_log_file(directory_, sealed_path(digest_hex), kSealedFileBytesMax);
}

}  // namespace daemon_audit
