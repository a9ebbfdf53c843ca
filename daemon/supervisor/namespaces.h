// The namespaces a role must be born into, since nobody can enter a pid namespace himself: what the
// supervisor and the new process do about them, each on its side of the clone.
#ifndef DAEMON_SUPERVISOR_NAMESPACES_H_
#define DAEMON_SUPERVISOR_NAMESPACES_H_

#include <sys/types.h>

#include "hardening/base/result.h"
#include "hardening/policy.h"

namespace daemon_supervisor {

// ---- in the supervisor --------------------------------------------------------------------------

// Says which users exist in the new user namespace of `child`: `identity`, or, where we may not map
// it, our own user. On failure nobody exists there, which costs the child its own
// user and nothing else. Requires that the child has called make_mappable().
base::Status map_user(pid_t child, hardening::Identity identity);

// ---- in the new process; async-signal-safe, errno tells -----------------------------------------

// Lets the supervisor, which is not dumpable, write the maps of its copy. exec resets it.
bool make_mappable();

// Keeps across exec what Sandbox::enter needs for namespaces, root and user. The process holds
// every capability in its user namespace.
bool keep_capabilities();

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_NAMESPACES_H_
