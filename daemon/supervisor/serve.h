// `redoubt serve`: everything that is needed before the first role can start, then the supervisor.
#ifndef DAEMON_SUPERVISOR_SERVE_H_
#define DAEMON_SUPERVISOR_SERVE_H_

#include <string>

#include "hardening/base/log.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// Returns after SIGTERM or SIGINT, when every role has ended. An Error means that serving never
// began. The configuration is read from `config_path`, and again for every SIGHUP.
base::Status run_supervisor(const std::string& config_path, const base::Logger& log);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_SERVE_H_
