// redoubt reload
#include <cstdio>
#include <memory>

#include "daemon/cli/ask_service.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/status_text.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"

namespace daemon_cli {
namespace {

constexpr int kTimeoutMs = 20'000;  // the service answers within less, whatever the answer

struct ReloadOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
};

base::Result<base::Json> ask_reload(const ReloadOptions& options) {
  const auto config = TRY(daemon_config::read_config(options.config));
  const daemon_supervisor::StatePaths paths(config);
  return ask_service(paths.control_socket, "reload", kTimeoutMs);
}

int run_reload(const ReloadOptions& options) {
  const auto outcome = ask_reload(options);
  if (!outcome.ok()) return report_failure(outcome.error());
  const base::Json* error = outcome.value().find("error");
  if (error != nullptr && error->is_string())
    return report_failure(base::unavailable("not reloaded: " + error->as_string()));
  std::fputs(format_reload(outcome.value()).c_str(), stdout);
  return kExitOk;
}

}  // namespace

void add_reload(Command& parent) {
  Command& verb = parent.add(
      "reload", "take up changes of configuration, keys and certificate without dropping anybody");
  auto options = std::make_shared<ReloadOptions>();
  verb.option("--config", options->config, "the configuration file of the service");
  verb.runs([options] { return run_reload(*options); });
}

}  // namespace daemon_cli
