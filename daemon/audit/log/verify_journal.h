// The journal as the verifier reads it: each file's chain of frames, for itself and with no hand of
// the writer's in it but the format.
#ifndef DAEMON_AUDIT_LOG_VERIFY_JOURNAL_H_
#define DAEMON_AUDIT_LOG_VERIFY_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/log/journal_format.h"
#include "daemon/audit/log/verify_files.h"
#include "hardening/base/fd.h"

namespace daemon_audit {

// Opened before anything else is read: what a running auditor removes meanwhile stays readable.
struct JournalFile {
  std::uint64_t first = 0;
  std::string where;
  base::Fd fd;
};
std::vector<JournalFile> open_journals(const base::Fd& directory,
                                       std::span<const std::uint64_t> firsts, Findings& findings);

// Hears what whole frames say, in order. Indexes within one file go on from its first.
struct JournalVisitor {
  std::function<void(const std::string& where, std::uint64_t index, std::string_view record)> entry;
  std::function<void(const std::string& where, std::uint64_t size, std::string_view note)>
      checkpoint;
  std::function<void(const Hash& digest)> sealed;
};

// How far a file is believed: to where the next one begins. What lies behind that is said again
// there, and may be what a failed write has left.
struct JournalRequest {
  std::uint64_t believed_to = 0;
  bool newest = false;  // a running auditor appends to it: it may end in a frame being written
};
// An end that is no frame is one of `doubts` where the file is not believed any more.
void check_journal(const JournalFile& file, const JournalRequest& request,
                   const JournalVisitor& visitor, LogFiles& files, Findings& findings,
                   Findings& doubts);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_VERIFY_JOURNAL_H_
