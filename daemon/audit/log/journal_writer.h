// The journal file that is written to: appended in whole frames, synced, its space reserved ahead.
#ifndef DAEMON_AUDIT_LOG_JOURNAL_WRITER_H_
#define DAEMON_AUDIT_LOG_JOURNAL_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/audit/log/journal_format.h"
#include "daemon/audit/log/log_directory.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_audit {

// Kept for what has to be said of the log itself when the disk is full.
inline constexpr std::size_t kJournalReserveBytes = std::size_t{64} << 10;

class JournalWriter {
 public:
  // A new file with that content, the chain's end after it: durable under its name on return, in
  // place of one that had it. After a failure there may be either.
  static base::Result<JournalWriter> begin(LogDirectory& directory, std::uint64_t first,
                                           std::string_view content, const FrameCheck& chain);

  // Space for so many bytes more, without touching the reserve; `about_log` may have the reserve.
  // kExhausted: the disk is full, and nothing has happened.
  base::Status reserve(std::size_t bytes, bool about_log);
  // One write, one fsync. After a failure nothing of this file's end can be relied on: begin
  // another.
  base::Status append(std::string_view frames, const FrameCheck& chain);

  std::uint64_t first() const { return first_; }
  std::uint64_t bytes() const { return bytes_; }
  const FrameCheck& chain() const { return chain_; }

 private:
  JournalWriter() = default;
  base::Status allocate(std::uint64_t end);
  base::Status write_and_sync(std::string_view bytes);

  base::Fd file_;
  std::uint64_t first_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t allocated_ = 0;
  bool can_allocate_ = true;  // some file systems cannot
  FrameCheck chain_{};
};

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_JOURNAL_WRITER_H_
