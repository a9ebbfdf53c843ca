// `redoubt role auditor`: the only process that has the log and its key. One thread: takes the
// reports that wait on all its channels, makes them one batch, and answers when it is durable
// (daemon/audit/LOG.md, daemon/PROTOCOL.md section 9).
#ifndef DAEMON_AUDITOR_AUDITOR_ROLE_H_
#define DAEMON_AUDITOR_AUDITOR_ROLE_H_

#include "daemon/supervisor/role_context.h"

namespace daemon_auditor {

// Descriptors: 3 control, 4 an AuditorConfig, 5 STATE/audit. The process's exit status.
int run_auditor_role(daemon_supervisor::RoleContext context);

}  // namespace daemon_auditor

#endif  // DAEMON_AUDITOR_AUDITOR_ROLE_H_
