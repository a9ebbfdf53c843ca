// The sockets the gateway serves on. They belong to the supervisor, so that clients wait instead of
// being refused while a gateway is restarted.
#ifndef DAEMON_SUPERVISOR_LISTENERS_H_
#define DAEMON_SUPERVISOR_LISTENERS_H_

#include <span>
#include <string>
#include <vector>

#include "daemon/config/listen_address.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

struct Listener {
  base::Fd socket;                       // listening, non-blocking
  daemon_config::ListenAddress address;  // with the port the kernel chose
};

// The sockets systemd handed over, or, when it handed over none, new ones on `addresses`. A socket
// that does not listen is a mistake in a unit file and an error.
base::Result<std::vector<Listener>> open_listeners(
    std::vector<base::Fd> handed_over, std::span<const daemon_config::ListenAddress> addresses);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_LISTENERS_H_
