// What a test executable changes inside the roles (see daemon/engine/engine_hooks.h). All null in
// production.
#ifndef DAEMON_SUPERVISOR_ROLE_HOOKS_H_
#define DAEMON_SUPERVISOR_ROLE_HOOKS_H_

#include "daemon/engine/engine_hooks.h"
#include "daemon/gateway/audit_sink.h"
#include "hardening/policy.h"

namespace daemon_supervisor {

struct RoleHooks {
  daemon_engine::EngineHooks engine;
  // Keeps the gateway's records instead of the auditor, for benchmarks (null_audit_sink.h).
  daemon_gateway::MakeAuditSink make_audit_sink = nullptr;
  // Makes a role's policy tighter, to show that the role then fails.
  hardening::Policy (*adjust_policy)(const hardening::Policy&) = nullptr;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ROLE_HOOKS_H_
