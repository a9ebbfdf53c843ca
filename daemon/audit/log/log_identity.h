// Who a log is: its key, its name, and the first checkpoint, made when there is none.
#ifndef DAEMON_AUDIT_LOG_LOG_IDENTITY_H_
#define DAEMON_AUDIT_LOG_LOG_IDENTITY_H_

#include <string>

#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/tlog/note.h"
#include "hardening/base/result.h"

namespace daemon_audit {

// The log's key. Where there is no log, one is begun: log.vkey and the checkpoint over nothing are
// durable before `key` has its name, so that a log with a key always has a checkpoint or a journal.
// `origin` empty: "redoubt/" and the first half of the key's SHA-256. kDenied: there are parts of a
// log, and no key.
base::Result<SignerKey> open_identity(LogDirectory& directory, const std::string& origin);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_LOG_LOG_IDENTITY_H_
