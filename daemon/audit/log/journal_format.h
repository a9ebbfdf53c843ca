// The frames of the journal (daemon/audit/LOG.md section 1), in both directions.
//
// A frame is: u32 length of what follows up to the check, u8 kind, payload, check. The check chains
// the frames of one file: the first 16 bytes of SHA-256(previous check || length || kind ||
// payload); before the first frame it is 16 zero bytes. Little-endian.
#ifndef DAEMON_AUDIT_LOG_JOURNAL_FORMAT_H_
#define DAEMON_AUDIT_LOG_JOURNAL_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/tlog/hash.h"
#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::size_t kFrameCheckBytes = 16;
inline constexpr std::size_t kFrameLengthMax = std::size_t{96} << 20;  // kind and payload
inline constexpr std::size_t kBatchRecordsMax = 256;
inline constexpr std::size_t kBatchSealedMax = 256;
inline constexpr std::size_t kSealedFileBytesMax = std::size_t{36} << 20;
inline constexpr std::size_t kJournalWritersMax = 64;
inline constexpr std::size_t kOpenRequestsMax = 65'536;

using FrameCheck = std::array<std::byte, kFrameCheckBytes>;

enum class FrameKind : std::uint8_t { kState = 1, kBatch = 2 };

struct WriterMark {
  std::uint64_t writer = 0;
  std::uint64_t through = 0;  // the last number of it that is in the log

  friend bool operator==(const WriterMark&, const WriterMark&) = default;
};

struct OpenRequest {
  std::uint64_t writer = 0;
  std::uint64_t index = 0;  // of its admission
  std::string id;

  friend bool operator==(const OpenRequest&, const OpenRequest&) = default;
};

// What a journal file begins with.
struct JournalState {
  std::uint64_t first = 0;  // the index of the file's first entry, a multiple of 256
  std::vector<WriterMark> writers;
  std::vector<OpenRequest> open_requests;
};

// Views: what they point to outlives them. Parsed ones point into the frame.
struct JournalEntryView {
  std::uint64_t writer = 0;  // 0: the auditor, or said again at the beginning of a file
  std::uint64_t number = 0;
  std::string_view record;
};
struct JournalSealedView {
  Hash digest{};
  std::string_view bytes;
};
struct JournalBatchView {
  std::uint64_t first = 0;
  std::vector<JournalEntryView> entries;
  std::vector<JournalSealedView> sealed;
  std::string_view checkpoint;  // a signed note over first + entries.size() entries
};

// Each appends one frame and moves the chain on. Limits are the caller's to keep (CHECKed).
void append_state_frame(std::string& out, FrameCheck& chain, const JournalState& state);
void append_batch_frame(std::string& out, FrameCheck& chain, const JournalBatchView& batch);
// Puts whole frames made for one chain on another: their checks are computed anew.
void rechain_frames(std::string& frames, FrameCheck& chain);

struct FrameView {
  FrameKind kind = FrameKind::kState;
  std::string_view payload;
  std::size_t frame_bytes = 0;  // of the whole frame
};

// How many bytes the frame has that begins with these, from 4 of them on. kCorrupt: no frame begins
// so.
base::Result<std::size_t> frame_bytes(std::string_view begin);
// The frame at the beginning of `bytes`. kCorrupt: it is cut short, fails its check, or is of no
// known kind; the chain stays as it was.
base::Result<FrameView> read_frame(std::string_view bytes, FrameCheck& chain);
// kCorrupt names the field and its limit.
base::Result<JournalState> parse_state(std::string_view payload);
base::Result<JournalBatchView> parse_batch(std::string_view payload);

// "00000000000000000256". Only what it makes is accepted back; journal files begin at multiples of
// 256.
std::string journal_name(std::uint64_t first);
std::optional<std::uint64_t> parse_journal_name(std::string_view name);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_JOURNAL_FORMAT_H_
