#include "daemon/audit/log/journal_reader.h"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "hardening/base/file.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kLengthBytes = 4;

base::Status fill(const base::Fd& file, std::span<char> buffer) {
  const auto got = TRY(base::read_full(file, std::as_writable_bytes(buffer)));
  if (got < buffer.size()) return base::corrupt("journal: a frame is cut short");
  return {};
}

}  // namespace

base::Result<JournalReader> JournalReader::open(base::Fd file, std::uint64_t first) {
  JournalReader reader;
  reader.file_bytes_ = TRY(base::regular_file_size(file));
  reader.file_ = std::move(file);
  reader.next_index_ = first;
  const auto frame = TRY(reader.read_next());
  if (frame.kind != FrameKind::kState) return base::corrupt("journal: the first frame is no state");
  reader.state_ = TRY(parse_state(frame.payload));
  if (reader.state_.first != first) {
    return base::corrupt(
        fmt::format("journal: {} begins at {}", journal_name(first), reader.state_.first));
  }
  reader.good_bytes_ = frame.frame_bytes;
  return reader;
}

// The file is read in order and each frame exactly once, so its offset is always a frame's begin.
base::Result<FrameView> JournalReader::read_next() {
  const std::uint64_t left = file_bytes_ - good_bytes_;
  if (left < kLengthBytes) return base::corrupt("journal: a frame's length is cut short");
  buffer_.resize(kLengthBytes);
  TRY(fill(file_, buffer_));
  const auto whole = TRY(frame_bytes(buffer_));
  if (whole > left) return base::corrupt("journal: a frame is cut short");
  buffer_.resize(whole);
  TRY(fill(file_, std::span(buffer_).subspan(kLengthBytes)));
  return read_frame(buffer_, chain_);
}

base::Result<std::optional<JournalBatchView>> JournalReader::next() {
  const auto end = [this](std::string why) {
    ended_ = true;
    why_ = std::move(why);
    return std::optional<JournalBatchView>();
  };
  if (ended_) return std::optional<JournalBatchView>();
  if (good_bytes_ == file_bytes_) return end("");
  const auto frame = read_next();
  if (!frame.ok()) {
    if (frame.error().code != base::ErrorCode::kCorrupt) return frame.error();
    return end(frame.error().message);
  }
  if (frame.value().kind != FrameKind::kBatch) return end("journal: a second state");
  auto batch = parse_batch(frame.value().payload);
  if (!batch.ok()) return end(batch.error().message);
  if (batch.value().first != next_index_) {
    return end(
        fmt::format("journal: a batch begins at {}, not at {}", batch.value().first, next_index_));
  }
  next_index_ += batch.value().entries.size();
  good_bytes_ += frame.value().frame_bytes;
  return std::optional(std::move(batch).value());
}

}  // namespace daemon_audit
