// `redoubt role health`: the only process that talks to NVIDIA's management library. It says what
// it sees (gpu_facts messages), and decides nothing.
#ifndef DAEMON_HEALTH_HEALTH_ROLE_H_
#define DAEMON_HEALTH_HEALTH_ROLE_H_

#include "daemon/supervisor/role_context.h"

namespace daemon_health {

// Descriptors: 3 control, 4 a HealthConfig. The process's exit status.
int run_health_role(daemon_supervisor::RoleContext context);

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_HEALTH_ROLE_H_
