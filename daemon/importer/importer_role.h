// `redoubt role importer`: parses one bundle and stages it, in a process that can reach nothing
// else. daemon/PRIVSEP.md.
#ifndef DAEMON_IMPORTER_IMPORTER_ROLE_H_
#define DAEMON_IMPORTER_IMPORTER_ROLE_H_

#include "daemon/supervisor/role_context.h"

namespace daemon_importer {

// Descriptors: 3 the channel, 4 an ImporterConfig, 5 the medium (a file or a directory), 6
// STORE/staging, 7 STORE/objects (O_PATH). The process's exit status: 0 when a result was sent,
// whatever it says.
int run_importer_role(daemon_supervisor::RoleContext context);

}  // namespace daemon_importer

#endif  // DAEMON_IMPORTER_IMPORTER_ROLE_H_
