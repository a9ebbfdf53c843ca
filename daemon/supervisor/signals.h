// Signals as a descriptor to poll: nothing of ours runs in a signal handler.
#ifndef DAEMON_SUPERVISOR_SIGNALS_H_
#define DAEMON_SUPERVISOR_SIGNALS_H_

#include <optional>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// Blocks SIGTERM, SIGINT and SIGHUP for the process and ignores SIGPIPE, for as long as the process
// lives.
base::Result<base::Fd> create_signal_fd();

// The number of a signal that has arrived, if one has.
std::optional<int> read_signal(const base::Fd& fd);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_SIGNALS_H_
