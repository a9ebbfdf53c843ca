// The main function of the gateway role.
#ifndef DAEMON_GATEWAY_GATEWAY_ROLE_H_
#define DAEMON_GATEWAY_GATEWAY_ROLE_H_

#include "daemon/gateway/audit_sink.h"
#include "daemon/supervisor/role_context.h"

namespace daemon_gateway {

// Runs until the supervisor closes the control channel: 0. 1 after logging why it could not go on.
int run_gateway_role(daemon_supervisor::RoleContext context,
                     MakeAuditSink make_audit_sink = nullptr);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_GATEWAY_ROLE_H_
