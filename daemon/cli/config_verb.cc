// redoubt config check
#include <cstdio>
#include <memory>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"

namespace daemon_cli {
namespace {

int run_check(const std::string& path) {
  const auto config = daemon_config::read_config(path);
  if (!config.ok()) return report_failure(config.error());
  std::printf("%s: nothing wrong\n", path.c_str());
  return kExitOk;
}

}  // namespace

void add_config(Command& parent) {
  Command& check = parent.add("config", "the configuration file")
                       .add("check", "say what is wrong with a configuration");
  auto path = std::make_shared<std::string>("/etc/redoubt/redoubt.toml");
  check.optional_argument("FILE", *path, "the file; the service's own when not given");
  check.runs([path] { return run_check(*path); });
}

}  // namespace daemon_cli
