// What systemd hands the service when it starts it (sd_listen_fds(3)): the sockets of
// redoubt.socket, and what the service gave it to keep while it was restarted.
#ifndef DAEMON_SUPERVISOR_HANDED_OVER_H_
#define DAEMON_SUPERVISOR_HANDED_OVER_H_

#include <optional>
#include <string>
#include <vector>

#include "daemon/supervisor/kept_weights.h"
#include "hardening/base/fd.h"
#include "hardening/base/log.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

struct HandedOver {
  std::vector<base::Fd>
      sockets;  // whatever they are called; which are of use, open_listeners() says
  std::optional<KeptWeights> weights;
  std::vector<std::string> useless;  // names under which systemd keeps what we closed
};

// Takes all of it; a second call finds nothing. What is neither a socket nor good weights is closed
// with a warning: an older or newer version of the service may have left it, and that is no reason
// not to start.
base::Result<HandedOver> take_handed_over(const base::Logger& log);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_HANDED_OVER_H_
