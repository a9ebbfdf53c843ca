// `redoubt role NAME`: the first code of a role's process. Enters the sandbox, then calls the role.
#ifndef DAEMON_SUPERVISOR_ROLE_ENTRY_H_
#define DAEMON_SUPERVISOR_ROLE_ENTRY_H_

#include <cstdint>
#include <string>

#include "daemon/supervisor/role_hooks.h"
#include "hardening/policy.h"

namespace daemon_supervisor {

struct RoleRequest {
  std::string name;                  // "gateway", "engine", "auditor", "health" or "importer"
  hardening::Identity identity;      // taken where that is permitted
  int descriptors = 0;               // [0, descriptors) were placed by the supervisor
  std::uint64_t open_files_max = 0;  // gateway only
  bool gpu = false;                  // engine: it may meet a GPU's driver
  std::string library;               // health: NVML, an absolute path; empty: the driver's own
};

// The process's exit status. Requires the descriptors of daemon/PROTOCOL.md section 1.
int run_role(const RoleRequest& request, const RoleHooks& hooks);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ROLE_ENTRY_H_
