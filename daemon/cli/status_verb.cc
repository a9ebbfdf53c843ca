// redoubt status
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "daemon/cli/ask_service.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/status_text.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"

namespace daemon_cli {
namespace {

struct StatusOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
  bool json = false;
  bool watch = false;
};

base::Status show(const daemon_config::Config& config, const StatusOptions& options) {
  const auto status =
      TRY(ask_service(daemon_supervisor::StatePaths(config).control_socket, "status"));
  const std::string text = options.json ? status.dump_pretty() + "\n" : format_status(status);
  if (options.watch && ::isatty(STDOUT_FILENO) == 1)
    std::fputs("\x1b[H\x1b[2J", stdout);  // clear the screen
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  return {};
}

int run_status(const StatusOptions& options) {
  const auto config = daemon_config::read_config(options.config);
  if (!config.ok()) return report_failure(config.error());
  for (;;) {
    const auto shown = show(config.value(), options);
    if (!shown.ok()) return report_failure(shown.error());
    if (!options.watch) return kExitOk;
    std::this_thread::sleep_for(std::chrono::seconds(2));
  }
}

}  // namespace

void add_status(Command& parent) {
  Command& verb = parent.add("status", "show what the running service is doing");
  auto options = std::make_shared<StatusOptions>();
  verb.option("--config", options->config, "the configuration file of the service");
  verb.flag("--json", options->json, "print JSON");
  verb.flag("--watch", options->watch, "show it again every two seconds");
  verb.runs([options] { return run_status(*options); });
}

}  // namespace daemon_cli
