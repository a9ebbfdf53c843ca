#include "daemon/cli/audit_verbs.h"

namespace daemon_cli {

void add_audit_keygen(Command&) {}

}  // namespace daemon_cli
