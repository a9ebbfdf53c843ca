// redoubt version
#include <cstdio>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/verbs.h"
#include "daemon/version.h"

namespace daemon_cli {

void add_version(Command& parent) {
  parent.add("version", "print the release this binary is").runs([] {
    std::printf("redoubt %s\n", daemon_version::kVersion);
    return kExitOk;
  });
}

}  // namespace daemon_cli
