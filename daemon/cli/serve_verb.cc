// redoubt serve, and the hidden redoubt role that it starts itself with.
#include <memory>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/supervisor/role_entry.h"
#include "daemon/supervisor/serve.h"

namespace daemon_cli {
namespace {

struct ServeOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
};

struct RoleOptions {
  std::string name;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t open_files = 0;
  bool gpu = false;
  std::string library;
};

base::Status serve(const ServeOptions& options) {
  const base::Logger log("supervisor");
  return daemon_supervisor::run_supervisor(options.config, log);
}

int run_serve(const ServeOptions& options) {
  const auto status = serve(options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

int run_role(const RoleOptions& options, const daemon_supervisor::RoleHooks& hooks) {
  daemon_supervisor::RoleRequest request;
  request.name = options.name;
  request.identity = {static_cast<std::uint32_t>(options.uid),
                      static_cast<std::uint32_t>(options.gid)};
  request.descriptors = static_cast<int>(options.descriptors);
  request.open_files_max = options.open_files;
  request.gpu = options.gpu;
  request.library = options.library;
  return daemon_supervisor::run_role(request, hooks);
}

}  // namespace

void add_serve(Command& parent) {
  Command& verb = parent.add("serve", "run the service: supervisor, gateway and engine");
  auto options = std::make_shared<ServeOptions>();
  verb.option("--config", options->config, "the configuration file");
  verb.runs([options] { return run_serve(*options); });
}

void add_role(Command& parent, const daemon_supervisor::RoleHooks& hooks) {
  Command& verb = parent.add("role", "one role of the service; started by 'serve' alone").hide();
  auto options = std::make_shared<RoleOptions>();
  verb.argument("NAME", options->name, "gateway, engine, auditor or health");
  verb.option("--uid", options->uid, "user to become when root");
  verb.option("--gid", options->gid, "group to become when root");
  verb.option("--descriptors", options->descriptors, "how many descriptors were placed");
  verb.option("--open-files", options->open_files, "limit on open descriptors");
  verb.flag("--gpu", options->gpu, "the engine may meet a GPU's driver");
  verb.option("--library", options->library, "NVML, where it is not the driver's own");
  verb.runs([options, hooks] { return run_role(*options, hooks); });
}

}  // namespace daemon_cli
