// Putting a model of the store into service, from outside the service.
#ifndef DAEMON_CLI_ACTIVATION_WATCH_H_
#define DAEMON_CLI_ACTIVATION_WATCH_H_

#include <string>

#include "daemon/config/config.h"
#include "hardening/base/result.h"

namespace daemon_cli {

enum class Activated { kNow, kAtNextStart };

// Asks the service that runs to activate the model and waits until it has or has not, showing how
// far it is on standard error while that is a terminal; without a service, proposes it for the next
// start. kUnavailable: it was tried and failed, or the service refused; the message says why.
// `restart`: the engine that serves is stopped first, for want of memory for two.
base::Result<Activated> activate_model(const daemon_config::Config& config, const std::string& id,
                                       bool restart = false);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_ACTIVATION_WATCH_H_
