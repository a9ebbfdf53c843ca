// `redoubt serve`: everything that is needed before the first role can start, then the supervisor.
#ifndef DAEMON_SUPERVISOR_SERVE_H_
#define DAEMON_SUPERVISOR_SERVE_H_

#include "daemon/config/config.h"
#include "hardening/base/log.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// Returns after SIGTERM or SIGINT, when every role has ended. An Error means that serving never
// began.
base::Status run_supervisor(const daemon_config::Config& config, const base::Logger& log);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_SERVE_H_
