#include "daemon/cli/verbs.h"

namespace daemon_cli {

void add_usage(Command&) {}

}  // namespace daemon_cli
