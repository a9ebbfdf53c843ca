#include "daemon/cli/audit_verbs.h"

namespace daemon_cli {

void add_audit_show(Command&) {}

}  // namespace daemon_cli
