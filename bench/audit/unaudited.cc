// The whole of redoubt with a gateway whose records go nowhere and are acknowledged at once: what an audited request is compared with. Never
// installed, and of no use but to be measured.
#include "bench/audit/null_audit.h"
#include "daemon/cli/command.h"

int main(int argc, char** argv) {
  daemon_supervisor::RoleHooks hooks;
  hooks.gateway.make_audit_sink = bench::make_null_audit;
  return daemon_cli::run_command_line(argc, argv, hooks);
}
