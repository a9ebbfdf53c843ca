// One journal file, frame by frame: no more of it in memory than the frame at hand.
#ifndef DAEMON_AUDIT_LOG_JOURNAL_READER_H_
#define DAEMON_AUDIT_LOG_JOURNAL_READER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/audit/log/journal_format.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

class JournalReader {
 public:
  // A file whose name says `first`. kCorrupt unless it begins with the state that fits its name:
  // files get their names when that is durable. What is appended later than this is not read.
  static base::Result<JournalReader> open(base::Fd file, std::uint64_t first);

  const JournalState& state() const { return state_; }
  // The next batch; its views hold until the next call. Nothing: the file says no more, because it
  // ends here, or because a frame is cut short, fails its check, or does not go on from the entries
  // before it; why() tells. Errors are the disk's alone.
  base::Result<std::optional<JournalBatchView>> next();
  const std::string& why() const { return why_; }  // empty: it ends with its last frame

  std::uint64_t good_bytes() const { return good_bytes_; }  // of whole frames so far
  std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  JournalReader() = default;
  base::Result<FrameView> read_next();

  base::Fd file_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t good_bytes_ = 0;
  std::uint64_t next_index_ = 0;
  bool ended_ = false;
  FrameCheck chain_{};
  JournalState state_;
  std::string buffer_;
  std::string why_;
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_JOURNAL_READER_H_
