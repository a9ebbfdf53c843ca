// The whole of redoubt with a gateway whose records go nowhere and count as durable at once: what
// an audited request is compared with. Never installed, and of no use but to be measured.
#include "daemon/cli/command.h"
#include "daemon/gateway/null_audit_sink.h"

int main(int argc, char** argv) {
  daemon_supervisor::RoleHooks hooks;
  hooks.make_audit_sink = daemon_gateway::NullAuditSink::create;
  return daemon_cli::run_command_line(argc, argv, hooks);
}
