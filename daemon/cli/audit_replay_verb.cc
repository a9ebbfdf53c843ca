#include "daemon/cli/audit_verbs.h"

namespace daemon_cli {

void add_audit_replay(Command&) {}

}  // namespace daemon_cli
