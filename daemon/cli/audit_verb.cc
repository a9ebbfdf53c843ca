// redoubt audit: the log that an inspector can check without trusting the machine.
#include <fcntl.h>

#include "daemon/cli/audit_verbs.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"

namespace daemon_cli {

void AuditSource::add_to(Command& verb) {
  verb.option("--config", config, "the configuration file of the service");
  verb.option("--log", log, "a log's directory, or a copy of it, instead of the service's");
}

base::Result<std::string> AuditSource::path() const {
  if (!log.empty()) return log;
  return daemon_supervisor::StatePaths(TRY(daemon_config::read_config(config))).audit;
}

base::Result<base::Fd> AuditSource::open() const {
  return base::open_file(TRY(path()), O_RDONLY | O_DIRECTORY);
}

void add_audit(Command& parent) {
  Command& audit = parent.add("audit", "check, read, prove and replay what the appliance has done");
  add_audit_verify(audit);
  add_audit_show(audit);
  add_audit_export(audit);
  add_audit_prove(audit);
  add_audit_anchor(audit);
  add_audit_replay(audit);
  add_audit_keygen(audit);
}

}  // namespace daemon_cli
