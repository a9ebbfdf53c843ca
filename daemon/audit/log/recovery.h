// What a former process has left, read into what the log has in memory (daemon/audit/LOG.md
// section 2).
#ifndef DAEMON_AUDIT_LOG_RECOVERY_H_
#define DAEMON_AUDIT_LOG_RECOVERY_H_

#include <cstdint>
#include <string>

#include "daemon/audit/log/audit_log.h"
#include "daemon/audit/log/deferred_work.h"
#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/log/log_tail.h"
#include "daemon/audit/log/open_requests.h"
#include "daemon/audit/log/writer_marks.h"
#include "hardening/base/result.h"

namespace daemon_audit {

struct Recovered {
  LogTail tail;
  WriterMarks marks;
  OpenRequests open_requests;
  std::string checkpoint;  // over all of it
  std::uint64_t published_size = 0;
  std::string last_record;  // empty: there is none
  AuditLog::Recovery counts;
};

// Tiles, bundles and sealed texts that the journal covers are handed to `work`, and its files.
// kDenied: what is there does not fit together, or ends before what was published.
base::Result<Recovered> recover(const LogDirectory& directory, DeferredWork& work,
                                const SignerKey& key);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_RECOVERY_H_
