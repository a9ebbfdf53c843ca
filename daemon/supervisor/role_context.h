// What `redoubt role NAME` hands to a role's main function (run_gateway_role, run_engine_role): the
// descriptors of daemon/PROTOCOL.md section 1 as owned values, and the sandbox, already at stage 1.
#ifndef DAEMON_SUPERVISOR_ROLE_CONTEXT_H_
#define DAEMON_SUPERVISOR_ROLE_CONTEXT_H_

#include <vector>

#include "hardening/base/fd.h"
#include "hardening/sandbox.h"

namespace daemon_supervisor {

struct RoleContext {
  base::Fd control;                 // descriptor 3
  base::Fd config;                  // descriptor 4
  std::vector<base::Fd> resources;  // descriptors 5 and up
  hardening::Sandbox
      sandbox;  // call lock_down() once initialised, then send `ready` with its report
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ROLE_CONTEXT_H_
