#include "daemon/audit/log/journal_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <span>

#include "daemon/audit/records/record.h"
#include "daemon/audit/tlog/note.h"
#include "daemon/audit/tlog/tile.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/byte_reader.h"
#include "hardening/base/check.h"
#include "provisioning/sha256.h"

namespace daemon_audit {
namespace {

constexpr std::string_view kMagic = "RDJ1";
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kHeadBytes = kLengthBytes + 1;
constexpr std::size_t kNameDigits = 20;

template <typename T>
void put(std::string& out, T value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  out.append(raw, sizeof raw);
}

template <typename Length>
void put_string(std::string& out, std::string_view text) {
  CHECK(text.size() <= std::numeric_limits<Length>::max());
  put(out, static_cast<Length>(text.size()));
  out.append(text);
}

FrameCheck check_of(const FrameCheck& previous, std::string_view head_and_payload) {
  provisioning::Sha256 sha;
  sha.update(previous);
  sha.update(head_and_payload);
  const auto digest = sha.finish();
  FrameCheck check;
  std::copy_n(digest.begin(), check.size(), check.begin());
  return check;
}

std::string_view as_text(const FrameCheck& check) {
  return {reinterpret_cast<const char*>(check.data()), check.size()};
}

// A frame under construction at the end of `out`.
class FrameWriter {
 public:
  FrameWriter(std::string& out, FrameKind kind) : out_(out), begin_(out.size()) {
    put(out_, std::uint32_t{0});
    put(out_, static_cast<std::uint8_t>(kind));
  }
  void finish(FrameCheck& chain) {
    const std::size_t length = out_.size() - begin_ - kLengthBytes;
    CHECK(length <= kFrameLengthMax);
    const auto length_field = static_cast<std::uint32_t>(length);
    std::memcpy(out_.data() + begin_, &length_field, sizeof length_field);
    chain = check_of(chain, std::string_view(out_).substr(begin_));
    out_.append(as_text(chain));
  }

 private:
  std::string& out_;
  std::size_t begin_;
};

base::Error as_corrupt(base::Error error) {
  error.code = base::ErrorCode::kCorrupt;
  error.message.insert(0, "journal: ");
  return error;
}

template <typename T>
base::Result<T> count_below(base::ByteReader& reader, std::string_view what, std::size_t max) {
  const T count = TRY(reader.read<T>(what));
  if (count > max) return base::invalid_input(fmt::format("{} is {}, limit {}", what, count, max));
  return count;
}

base::Result<std::uint64_t> read_index(base::ByteReader& reader, std::string_view what) {
  const auto index = TRY(reader.read<std::uint64_t>(what));
  if (index >= kTreeSizeMax) return base::invalid_input(fmt::format("{} is {}", what, index));
  return index;
}

base::Result<JournalState> parse_state_fields(base::ByteReader reader) {
  const auto magic = TRY(reader.take(kMagic.size(), "magic"));
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) {
    return base::invalid_input("magic is not RDJ1");
  }
  JournalState state;
  state.first = TRY(read_index(reader, "first"));
  if (state.first % kTileWidth != 0) return base::invalid_input("first is no multiple of 256");
  const auto writers = TRY(count_below<std::uint16_t>(reader, "writers", kJournalWritersMax));
  for (std::uint16_t i = 0; i < writers; ++i) {
    WriterMark mark;
    mark.writer = TRY(reader.read<std::uint64_t>("writer"));
    mark.through = TRY(reader.read<std::uint64_t>("through"));
    state.writers.push_back(mark);
  }
  const auto open = TRY(count_below<std::uint32_t>(reader, "open requests", kOpenRequestsMax));
  for (std::uint32_t i = 0; i < open; ++i) {
    OpenRequest request;
    request.writer = TRY(reader.read<std::uint64_t>("writer of a request"));
    request.index = TRY(read_index(reader, "index of a request"));
    request.id = TRY(reader.read_string<std::uint16_t>("id of a request", kRequestIdBytesMax));
    state.open_requests.push_back(std::move(request));
  }
  TRY(reader.expect_end("state"));
  return state;
}

base::Result<JournalBatchView> parse_batch_fields(base::ByteReader reader) {
  JournalBatchView batch;
  batch.first = TRY(read_index(reader, "first"));
  const auto count = TRY(count_below<std::uint16_t>(reader, "records", kBatchRecordsMax));
  batch.entries.reserve(count);
  for (std::uint16_t i = 0; i < count; ++i) {
    JournalEntryView entry;
    entry.writer = TRY(reader.read<std::uint64_t>("writer"));
    entry.number = TRY(reader.read<std::uint64_t>("number"));
    entry.record = TRY(reader.read_string<std::uint16_t>("record", kEntryBytesMax));
    batch.entries.push_back(entry);
  }
  const auto sealed = TRY(count_below<std::uint16_t>(reader, "sealed texts", kBatchSealedMax));
  for (std::uint16_t i = 0; i < sealed; ++i) {
    JournalSealedView text;
    const auto digest = TRY(reader.take(kHashBytes, "digest"));
    std::copy(digest.begin(), digest.end(), text.digest.begin());
    text.bytes = TRY(reader.read_string<std::uint32_t>("sealed text", kSealedFileBytesMax));
    batch.sealed.push_back(text);
  }
  batch.checkpoint = TRY(reader.read_string<std::uint16_t>("checkpoint", 2 * kNoteTextBytesMax));
  TRY(reader.expect_end("batch"));
  return batch;
}

base::ByteReader reader_of(std::string_view payload) {
  return base::ByteReader(std::as_bytes(std::span(payload)));
}

}  // namespace

void append_state_frame(std::string& out, FrameCheck& chain, const JournalState& state) {
  CHECK(state.first % kTileWidth == 0);
  CHECK(state.writers.size() <= kJournalWritersMax);
  CHECK(state.open_requests.size() <= kOpenRequestsMax);
  FrameWriter frame(out, FrameKind::kState);
  out.append(kMagic);
  put(out, state.first);
  put(out, static_cast<std::uint16_t>(state.writers.size()));
  for (const auto& mark : state.writers) {
    put(out, mark.writer);
    put(out, mark.through);
  }
  put(out, static_cast<std::uint32_t>(state.open_requests.size()));
  for (const auto& request : state.open_requests) {
    put(out, request.writer);
    put(out, request.index);
    put_string<std::uint16_t>(out, request.id);
  }
  frame.finish(chain);
}

void append_batch_frame(std::string& out, FrameCheck& chain, const JournalBatchView& batch) {
  CHECK(batch.entries.size() <= kBatchRecordsMax);
  CHECK(batch.sealed.size() <= kBatchSealedMax);
  FrameWriter frame(out, FrameKind::kBatch);
  put(out, batch.first);
  put(out, static_cast<std::uint16_t>(batch.entries.size()));
  for (const auto& entry : batch.entries) {
    put(out, entry.writer);
    put(out, entry.number);
    put_string<std::uint16_t>(out, entry.record);
  }
  put(out, static_cast<std::uint16_t>(batch.sealed.size()));
  for (const auto& text : batch.sealed) {
    out.append(reinterpret_cast<const char*>(text.digest.data()), text.digest.size());
    put_string<std::uint32_t>(out, text.bytes);
  }
  put_string<std::uint16_t>(out, batch.checkpoint);
  frame.finish(chain);
}

void rechain_frames(std::string& frames, FrameCheck& chain) {
  for (std::size_t at = 0; at < frames.size();) {
    std::uint32_t length = 0;
    CHECK(frames.size() - at > kLengthBytes);
    std::memcpy(&length, frames.data() + at, sizeof length);
    const std::size_t body = kLengthBytes + length;
    CHECK(frames.size() - at >= body + kFrameCheckBytes);
    chain = check_of(chain, std::string_view(frames).substr(at, body));
    std::memcpy(frames.data() + at + body, chain.data(), chain.size());
    at += body + kFrameCheckBytes;
  }
}

base::Result<std::size_t> frame_bytes(std::string_view begin) {
  std::uint32_t length = 0;
  if (begin.size() < kLengthBytes) return base::corrupt("journal: a frame's length is cut short");
  std::memcpy(&length, begin.data(), sizeof length);
  if (length == 0 || length > kFrameLengthMax) {
    return base::corrupt(
        fmt::format("journal: a frame's length is {}, limit {}", length, kFrameLengthMax));
  }
  return kLengthBytes + length + kFrameCheckBytes;
}

base::Result<FrameView> read_frame(std::string_view bytes, FrameCheck& chain) {
  const auto whole = TRY(frame_bytes(bytes));
  if (bytes.size() < whole) return base::corrupt("journal: a frame is cut short");
  const auto body = bytes.substr(0, whole - kFrameCheckBytes);
  const FrameCheck check = check_of(chain, body);
  if (bytes.substr(body.size(), kFrameCheckBytes) != as_text(check)) {
    return base::corrupt("journal: a frame fails its check");
  }
  const auto kind = static_cast<FrameKind>(body[kLengthBytes]);
  if (kind != FrameKind::kState && kind != FrameKind::kBatch) {
    return base::corrupt("journal: a frame is of no known kind");
  }
  chain = check;
  FrameView frame;
  frame.kind = kind;
  frame.payload = body.substr(kHeadBytes);
  frame.frame_bytes = whole;
  return frame;
}

base::Result<JournalState> parse_state(std::string_view payload) {
  auto state = parse_state_fields(reader_of(payload));
  if (!state.ok()) return as_corrupt(std::move(state).error());
  return state;
}

base::Result<JournalBatchView> parse_batch(std::string_view payload) {
  auto batch = parse_batch_fields(reader_of(payload));
  if (!batch.ok()) return as_corrupt(std::move(batch).error());
  return batch;
}

std::string journal_name(std::uint64_t first) {
  return fmt::format("{:020}", first);
}

std::optional<std::uint64_t> parse_journal_name(std::string_view name) {
  std::uint64_t first = 0;
  const char* const end = name.data() + name.size();
  if (name.size() != kNameDigits || std::from_chars(name.data(), end, first).ptr != end) return {};
  if (journal_name(first) != name || first % kTileWidth != 0 || first >= kTreeSizeMax) return {};
  return first;
}

}  // namespace daemon_audit
