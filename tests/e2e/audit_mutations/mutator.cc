#include "tests/e2e/audit_mutations/mutator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "daemon/audit/log/journal_format.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/tile.h"
#include "hardening/base/check.h"
#include "hardening/base/hex.h"

namespace audit_mutations {
namespace {

using daemon_audit::kTileWidth;
using daemon_audit::TileName;

std::vector<std::string> records_of(const std::string& path, const std::string& bytes) {
  const auto name = daemon_audit::parse_tile_path(path);
  CHECK(name && name->entries);
  auto records = daemon_audit::parse_bundle(bytes, name->width);
  CHECK(records.ok());
  return std::move(records).value();
}

std::vector<std::string> frames_of(const std::string& journal) {
  std::vector<std::string> frames;
  for (std::string_view rest = journal; !rest.empty();) {
    const auto whole = daemon_audit::frame_bytes(rest);
    CHECK(whole.ok() && whole.value() <= rest.size());
    frames.emplace_back(rest.substr(0, whole.value()));
    rest.remove_prefix(whole.value());
  }
  return frames;
}

std::string rechained(const std::vector<std::string>& frames) {
  std::string bytes;
  for (const std::string& frame : frames) bytes += frame;
  daemon_audit::FrameCheck chain{};
  daemon_audit::rechain_frames(bytes, chain);
  return bytes;
}

// The batch in a frame; its views point into `frame`.
daemon_audit::JournalBatchView batch_of(const std::string& frame) {
  constexpr std::size_t kHead = 5;
  auto batch = daemon_audit::parse_batch(
      std::string_view(frame).substr(kHead, frame.size() - kHead - daemon_audit::kFrameCheckBytes));
  CHECK(batch.ok());
  return std::move(batch).value();
}

}  // namespace

std::string kind_of(const std::string& path) {
  if (path.starts_with("tile/entries/")) return "bundle";
  const auto slash = path.find('/');
  return slash == path.npos ? path : path.substr(0, slash);
}

Mutator::Mutator(const SampleLog& sample, std::uint64_t seed) : sample_(sample), random_(seed) {
  for (const auto& [path, bytes] : sample.files) {
    paths_.push_back(path);
    by_kind_[kind_of(path)].push_back(path);
    if (kind_of(path) != "journal") continue;
    const auto frames = frames_of(bytes);
    for (std::size_t i = 1; i < frames.size(); ++i) {
      for (const auto& text : batch_of(frames[i]).sealed) {
        journal_sealed_.push_back(audit_test::sealed_path(text.bytes));
      }
    }
  }
  const auto checkpoint = daemon_audit::open_checkpoint(sample.files.at("checkpoint"), sample.key);
  CHECK(checkpoint.ok());
  published_ = checkpoint.value().size;
}

Mutation Mutator::next() {
  // Single bits more often than all else: they are the many.
  static constexpr std::array<Maker, 16> kMakers = {
      &Mutator::flip,         &Mutator::flip,           &Mutator::flip,
      &Mutator::flip,         &Mutator::flip,           &Mutator::truncate,
      &Mutator::append,       &Mutator::remove,         &Mutator::swap_files,
      &Mutator::stray,        &Mutator::edit_bundle,    &Mutator::edit_bundle,
      &Mutator::edit_journal, &Mutator::rewrite_record, &Mutator::older_checkpoint,
      &Mutator::other_log};
  for (;;) {
    auto mutation = (this->*kMakers[below(kMakers.size())])();
    if (!mutation) continue;
    const bool changes =
        std::any_of(mutation->changes.begin(), mutation->changes.end(), [&](const auto& change) {
          const auto found = sample_.files.find(change.first);
          return found == sample_.files.end() ? change.second.has_value()
                                              : change.second != found->second;
        });
    if (changes) return std::move(*mutation);
  }
}

Mutation Mutator::change(std::string verb, const std::string& path, std::string bytes) const {
  return {.kind = fmt::format("{}: {}", verb, kind_of(path)),
          .what = fmt::format("{}: {}", verb, path),
          .evidence = Evidence::kNone,
          .changes = {{path, std::move(bytes)}}};
}

std::optional<Mutation> Mutator::flip() {
  // Each kind of file alike, then each byte of the file alike.
  auto kind = by_kind_.begin();
  std::advance(kind, below(by_kind_.size()));
  const std::string& path = pick(kind->second);
  std::string bytes = sample_.files.at(path);
  const std::size_t at = below(bytes.size());
  const auto bit = static_cast<unsigned>(below(8));
  bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << bit));
  Mutation mutation = change("flip a bit", path, std::move(bytes));
  mutation.what += fmt::format(", bit {} of byte {}", bit, at);
  return mutation;
}

std::optional<Mutation> Mutator::truncate() {
  const std::string& path = pick(paths_);
  const std::size_t keep = below(sample_.files.at(path).size());
  Mutation mutation = change("truncate", path, sample_.files.at(path).substr(0, keep));
  mutation.what += fmt::format(" to {} bytes", keep);
  // Between two frames, it is the log as it was a moment ago.
  if (kind_of(path) == "journal") mutation.evidence = Evidence::kCheckpoint;
  return mutation;
}

std::optional<Mutation> Mutator::append() {
  const std::string& path = pick(paths_);
  std::string bytes = sample_.files.at(path);
  for (std::size_t count = below(64) + 1; count > 0; --count) {
    bytes.push_back(below(2) == 0 ? '\n' : static_cast<char>(random_()));
  }
  return change("append", path, std::move(bytes));
}

// What a running auditor would write again, or has in its journal, is not needed.
bool Mutator::is_needed(const std::string& path) const {
  if (path == "key") return false;  // what is carried out has none
  const bool live = by_kind_.contains("journal");
  if (live &&
      std::find(journal_sealed_.begin(), journal_sealed_.end(), path) != journal_sealed_.end()) {
    return false;
  }
  const auto name = daemon_audit::parse_tile_path(path);
  if (!name || !live) return true;
  const std::uint64_t count = published_ >> (8 * name->level);
  const std::uint64_t end = name->number * kTileWidth + name->width;
  return name->width == kTileWidth ? end <= count : end == count;
}

std::optional<Mutation> Mutator::remove() {
  const std::string& path = pick(paths_);
  if (!is_needed(path)) return std::nullopt;
  Mutation mutation = change("delete", path, "");
  mutation.changes[path] = std::nullopt;
  return mutation;
}

std::optional<Mutation> Mutator::swap_files() {
  auto kind = by_kind_.begin();
  std::advance(kind, below(by_kind_.size()));
  const std::string& one = pick(kind->second);
  const std::string& other = pick(kind->second);
  Mutation mutation = change("swap files", one, sample_.files.at(other));
  mutation.what += " and " + other;
  mutation.changes[other] = sample_.files.at(one);
  return mutation;
}

std::optional<Mutation> Mutator::stray() {
  const std::string content = fmt::format("stray {}", random_());
  std::vector<std::string> paths = {fmt::format("note-{}.txt", below(1000)),
                                    fmt::format("tile/0/{:03}~", below(1000)),
                                    "tile/0/x999/999",
                                    "tile/entries/x001/000",
                                    "tile/1/000.p/255",
                                    "tile/0/002.p/000",
                                    fmt::format("sealed/{:02x}/x", below(256)),
                                    fmt::format("witness/{:020}", below(1000) + 100'000),
                                    fmt::format("witness/{}", below(1000))};
  const bool live = by_kind_.contains("journal");
  if (!live) {
    paths.push_back(fmt::format("journal/{:020}", below(3) * kTileWidth));
    paths.push_back(".new-checkpoint");
    // Of a running log, one that has just come may belong to a record that came after we looked.
    paths.push_back(audit_test::sealed_path(content));
  }
  const std::string& path = pick(paths);
  if (sample_.files.contains(path)) return std::nullopt;
  Mutation mutation = change("add a file", path, content);
  if (path.find('/') == path.npos) mutation.kind = "add a file: at the top";
  return mutation;
}

std::optional<Mutation> Mutator::edit_bundle() {
  const std::string& path = pick(by_kind_.at("bundle"));
  auto records = records_of(path, sample_.files.at(path));
  const std::size_t i = below(records.size());
  const std::size_t j = below(records.size());
  const auto at = [&](std::size_t index) {
    return records.begin() + static_cast<std::ptrdiff_t>(index);
  };
  std::string verb;
  switch (below(7)) {
    case 0:
      verb = "swap records";
      std::swap(records[i], records[j]);
      break;
    case 1:
      verb = "put a record over another";
      records[i] = records[j];
      break;
    case 2:
      verb = "insert a record again";
      records.insert(at(i), records[j]);
      break;
    case 3:
      verb = "drop a record";
      records.erase(at(i));
      break;
    case 4:
      verb = "drop a record, repeat the last";
      records.erase(at(i));
      if (records.empty()) return std::nullopt;
      records.push_back(records.back());
      break;
    case 5:
      verb = "reorder records";
      std::reverse(at(std::min(i, j)), at(std::max(i, j)) + 1);
      break;
    default:
      verb = "shorten a record";
      records[i].resize(below(records[i].size()));
      break;
  }
  Mutation mutation = change(verb, path, daemon_audit::serialize_bundle(records));
  mutation.what += fmt::format(", {} and {}", i, j);
  return mutation;
}

// With all hashes that follow from it: only the signed root is left to tell.
std::optional<Mutation> Mutator::rewrite_record() {
  std::vector<std::string> texts;
  for (std::uint64_t first = 0; first < published_; first += kTileWidth) {
    const TileName name{.entries = true,
                        .level = 0,
                        .number = first / kTileWidth,
                        .width = static_cast<std::uint32_t>(
                            std::min<std::uint64_t>(kTileWidth, published_ - first))};
    const std::string path = daemon_audit::tile_path(name);
    for (auto& record : records_of(path, sample_.files.at(path))) texts.push_back(record);
  }
  const std::size_t i = below(texts.size());
  const auto time = texts[i].find("\"time\":\"");
  CHECK(time != std::string::npos);
  char& digit = texts[i][time + 8 + 25];  // of the microseconds
  digit = digit == '5' ? '6' : '5';
  Mutation mutation{.kind = "rewrite a record and its hashes",
                    .what = fmt::format("rewrite record {} and its hashes", i),
                    .evidence = Evidence::kNone,
                    .changes = {}};
  for (auto& [path, bytes] : audit_test::tile_files(texts)) {
    mutation.changes[path] = std::move(bytes);
  }
  return mutation;
}

// The chain of the frames is no secret: it is made anew after each change. What only the writer
// needs (numbers, open requests) is signed by nobody and left alone.
std::optional<Mutation> Mutator::edit_journal() {
  if (!by_kind_.contains("journal")) return std::nullopt;
  const std::string& path = pick(by_kind_.at("journal"));
  auto frames = frames_of(sample_.files.at(path));
  if (frames.size() < 4) return std::nullopt;
  const std::size_t i = 1 + below(frames.size() - 2);  // neither the state nor the last
  std::string verb;
  switch (below(5)) {
    case 0:
      verb = "drop a frame";
      frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    case 1:
      verb = "repeat a frame";
      frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(i), frames[i]);
      break;
    case 2:
      verb = "swap frames";
      std::swap(frames[i], frames[i + 1]);
      break;
    case 3:
      verb = "drop the last frames";
      frames.resize(i + 1);
      break;
    default: {
      verb = "edit a frame";
      const auto batch = batch_of(frames[i]);
      std::vector<std::string_view> parts = {batch.checkpoint};
      for (const auto& entry : batch.entries) parts.push_back(entry.record);
      for (const auto& text : batch.sealed) parts.push_back(text.bytes);
      const std::string_view part = parts[below(parts.size())];
      const auto offset = static_cast<std::size_t>(part.data() - frames[i].data());
      char& byte = frames[i][offset + below(part.size())];
      byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << below(8)));
      break;
    }
  }
  Mutation mutation = change(verb + " and chain anew", path, rechained(frames));
  mutation.what += fmt::format(", frame {}", i);
  if (verb == "drop the last frames") mutation.evidence = Evidence::kCheckpoint;
  return mutation;
}

std::optional<Mutation> Mutator::older_checkpoint() {
  const std::size_t i = below(sample_.checkpoints.size());
  Mutation mutation = change("put an older checkpoint", "checkpoint", sample_.checkpoints[i]);
  mutation.what += fmt::format(", number {}", i);
  return mutation;
}

std::optional<Mutation> Mutator::other_log() {
  struct Choice {
    const char* verb;
    const std::vector<Files>& logs;
    Evidence evidence;
  };
  const std::array<Choice, 3> choices = {
      Choice{"roll the log back", sample_.earlier, Evidence::kCheckpoint},
      Choice{"put a fork by the same key", sample_.forks, Evidence::kCheckpoint},
      Choice{"put a log by another key", sample_.others, Evidence::kKey}};
  const Choice& choice = choices[below(choices.size())];
  if (choice.logs.empty()) return std::nullopt;
  const std::size_t i = below(choice.logs.size());
  Mutation mutation{.kind = choice.verb,
                    .what = fmt::format("{}, number {}", choice.verb, i),
                    .evidence = choice.evidence,
                    .changes = {}};
  for (const std::string& path : paths_) mutation.changes[path] = std::nullopt;
  for (const auto& [path, bytes] : choice.logs[i]) mutation.changes[path] = bytes;
  return mutation;
}

}  // namespace audit_mutations
