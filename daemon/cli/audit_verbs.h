// The sub-verbs of `redoubt audit`, a file each, and what they share.
#ifndef DAEMON_CLI_AUDIT_VERBS_H_
#define DAEMON_CLI_AUDIT_VERBS_H_

#include <string>

#include "daemon/cli/command.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_cli {

void add_audit_verify(Command& audit);  // verify
void add_audit_show(Command& audit);    // show
void add_audit_export(Command& audit);  // export
void add_audit_prove(Command& audit);   // prove, and add_audit_check()
void add_audit_check(Command& audit);   // check
void add_audit_anchor(Command& audit);  // anchor, and add_audit_cosign()
void add_audit_cosign(Command& audit);  // cosign
void add_audit_replay(Command& audit);  // replay
void add_audit_keygen(Command& audit);  // keygen

// Where the log is: of the service whose configuration is named, or any copy of its directory.
struct AuditSource {
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string log;  // a directory; empty: by the configuration

  void add_to(Command& verb);  // --config, --log
  base::Result<std::string> path() const;
  base::Result<base::Fd> open() const;
};

}  // namespace daemon_cli

#endif  // DAEMON_CLI_AUDIT_VERBS_H_
