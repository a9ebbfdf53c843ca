#include "daemon/audit/log/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "daemon/audit/log/journal_reader.h"
#include "daemon/audit/log/log_extent.h"
#include "daemon/audit/log/tile_hashes.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/tile.h"

namespace daemon_audit {
namespace {

// What is missing or malformed means that this is not a log that goes on; the disk's own errors
// stay what they are.
template <typename T>
base::Result<T> or_denied(base::Result<T> result, std::string_view doing) {
  if (result.ok()) return result;
  base::Error error = std::move(result).context(doing).error();
  if (error.code != base::ErrorCode::kIo) error.code = base::ErrorCode::kDenied;
  return error;
}

HashReader reader_of(TileHashes& tiles) {
  return [&tiles](std::uint32_t level, std::uint64_t number) { return tiles.hash(level, number); };
}

struct Published {
  std::string note;
  Checkpoint checkpoint;
};

base::Result<Published> read_published(const base::Fd& directory, const VerifierKey& key) {
  Published published;
  published.note = TRY(read_log_file(directory, "checkpoint", kCheckpointFileBytesMax));
  published.checkpoint = TRY(open_checkpoint(published.note, key));
  return published;
}

base::Result<LogTail> load_tail(const base::Fd& directory, std::uint64_t size) {
  const std::uint64_t first = size - size % kTileWidth;
  std::vector<std::string> entries;
  if (size > first) {
    entries =
        TRY(read_bundle(directory, first / kTileWidth, static_cast<std::uint32_t>(size - first)));
  }
  std::vector<Hash> leaves;
  for (const auto& entry : entries) leaves.push_back(hash_leaf(entry));
  TileHashes tiles(directory, first, leaves);
  auto edge = TRY(TreeEdge::load(size, reader_of(tiles)));
  return LogTail(std::move(edge), std::move(entries));
}

base::Status check_published(const base::Fd& directory, const LogTail& tail,
                             const Checkpoint& published) {
  if (published.size > tail.size()) {
    return base::denied(fmt::format("the log ends at {} entries, its checkpoint is over {}",
                                    tail.size(), published.size));
  }
  TileHashes tiles(directory, tail.size() - tail.size() % kTileWidth, tail.edge().filling(0));
  const Hash root =
      TRY(or_denied(tree_root(published.size, reader_of(tiles)), "the checkpoint's tree"));
  if (root != published.root) {
    return base::denied(
        fmt::format("the first {} entries do not have the root that the checkpoint "
                    "over them says",
                    published.size));
  }
  return {};
}

// Reads the journal's files one after the other.
class Replay {
 public:
  Replay(const LogDirectory& directory, DeferredWork& work, Recovered& log)
      : directory_(directory), work_(work), log_(log) {}

  // Of the file, what lies below `end`: the next one says again what comes then.
  base::Status file(std::uint64_t first, std::uint64_t end, bool last) {
    if (log_.tail.size() != first) {
      return base::denied(
          fmt::format("the journal ends at {} entries and goes on at {}", log_.tail.size(), first));
    }
    auto opened =
        JournalReader::open(TRY(open_log_file(directory_.fd(), journal_path(first))), first);
    auto reader = TRY(or_denied(std::move(opened), journal_path(first)));
    log_.marks = WriterMarks(reader.state().writers);
    log_.open_requests = OpenRequests(reader.state().open_requests);
    while (const auto batch = TRY(reader.next())) TRY(add(*batch, end));
    if (last) log_.counts.torn_bytes = reader.file_bytes() - reader.good_bytes();
    return {};
  }

 private:
  base::Status add(const JournalBatchView& batch, std::uint64_t end) {
    for (const auto& sealed : batch.sealed) work_.add_sealed(sealed.digest, sealed.bytes);
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      if (batch.first + i >= end) return {};
      const auto& entry = batch.entries[i];
      TRY(or_denied(note(entry, batch.first + i), "journal"));
      if (auto full = log_.tail.add(std::string(entry.record))) work_.add(std::move(*full));
    }
    log_.checkpoint = batch.checkpoint;
    return {};
  }

  base::Status note(const JournalEntryView& entry, std::uint64_t index) {
    const Record record = TRY(Record::parse(entry.record));
    if (record.index != index) {
      return base::denied(fmt::format("entry {} says that it is {}", index, record.index));
    }
    log_.open_requests.note(entry.writer, index, record.type, record.body);
    if (entry.writer != 0) log_.marks.advance(entry.writer, entry.number);
    return {};
  }

  const LogDirectory& directory_;
  DeferredWork& work_;
  Recovered& log_;
};

// The last batch was acknowledged with this over it.
base::Status check_own(const Recovered& log, const VerifierKey& key) {
  const auto own = TRY(or_denied(open_checkpoint(log.checkpoint, key), "the journal's checkpoint"));
  if (own.size != log.tail.size() || own.root != log.tail.edge().root()) {
    return base::denied("the journal's entries do not have the root that its checkpoint says");
  }
  return {};
}

base::Result<std::string> sign_over(const LogTail& tail, const SignerKey& key) {
  Checkpoint checkpoint;
  checkpoint.origin = key.verifier().name();
  checkpoint.size = tail.size();
  checkpoint.root = tail.edge().root();
  return sign_checkpoint(checkpoint, key);
}

base::Result<std::string> last_record(const base::Fd& directory, const LogTail& tail) {
  if (!tail.entries().empty()) return tail.entries().back();
  if (tail.size() == 0) return std::string();
  auto bundle = TRY(read_bundle(directory, tail.size() / kTileWidth - 1, kTileWidth));
  return std::move(bundle.back());
}

}  // namespace

base::Result<Recovered> recover(const LogDirectory& directory, DeferredWork& work,
                                const SignerKey& key) {
  Recovered log;
  const auto journals = TRY(or_denied(list_journal(directory.fd()), "journal"));
  auto published = read_published(directory.fd(), key.verifier());
  // A power failure may have torn the checkpoint; what the journal says is over more than it was.
  if (!published.ok() && journals.empty()) {
    return or_denied(std::move(published), "checkpoint").error();
  }
  if (journals.empty()) {
    log.tail =
        TRY(or_denied(load_tail(directory.fd(), published.value().checkpoint.size), "tiles"));
    log.checkpoint = published.value().note;
  } else {
    log.tail = TRY(or_denied(load_tail(directory.fd(), journals.front()), "tiles"));
    work.set_journals(journals);
    Replay replay(directory, work, log);
    for (std::size_t i = 0; i < journals.size(); ++i) {
      const bool last = i + 1 == journals.size();
      TRY(replay.file(journals[i], last ? kTreeSizeMax : journals[i + 1], last));
    }
    if (!log.checkpoint.empty()) TRY(check_own(log, key.verifier()));
    work.retire_former_journals();
    TRY(work.write_all());
  }
  if (log.checkpoint.empty()) log.checkpoint = TRY(sign_over(log.tail, key));
  if (published.ok()) {
    TRY(check_published(directory.fd(), log.tail, published.value().checkpoint));
    log.published_size = published.value().checkpoint.size;
    log.counts.records = log.tail.size() - log.published_size;
  } else {
    log.counts.records = log.tail.size() - journals.front();
  }
  log.last_record = TRY(last_record(directory.fd(), log.tail));
  return log;
}

}  // namespace daemon_audit
