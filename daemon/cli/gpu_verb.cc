// redoubt gpu: how the GPUs are, and the word of a person that one may be used again.
#include <cstdio>
#include <memory>
#include <string>

#include "daemon/cli/act.h"
#include "daemon/cli/ask_service.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/gpu_text.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/gpu_records.h"
#include "daemon/supervisor/state_directory.h"

namespace daemon_cli {
namespace {

using base::Json;
using base::Status;
using daemon_config::Config;
using daemon_supervisor::StatePaths;

struct GpuOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
  std::string uuid;
  bool json = false;
};

Status list(const Config& config, const GpuOptions& options) {
  const Json status = TRY(ask_service(StatePaths(config).control_socket, "status"));
  const Json* gpu = status.is_object() ? status.find("gpu") : nullptr;
  if (gpu == nullptr) {
    return base::unavailable(
        "nobody looks after GPUs here: gpu.care of the configuration is \"never\", or there is no "
        "NVIDIA driver");
  }
  std::fputs(options.json ? (gpu->dump_pretty() + "\n").c_str() : format_gpus(gpu).c_str(), stdout);
  return {};
}

// Where no service runs: what it would read at its next start. Requires its lock.
Status clear_records(const StatePaths& paths, const std::string& uuid) {
  auto records = TRY(daemon_supervisor::read_gpu_records(paths.gpus));
  if (records.find(uuid) == nullptr) return base::not_found("no GPU of that UUID is out of use");
  records.erase(uuid);
  return daemon_supervisor::write_gpu_records(paths.gpus, records);
}

Status clear(const Config& config, const GpuOptions& options) {
  const StatePaths paths(config);
  const auto lock = daemon_supervisor::lock_state(paths);
  if (lock.ok()) {
    TRY(clear_records(paths, options.uuid));
    std::printf("%s is used again from the next start of the service on.\n", options.uuid.c_str());
    return {};
  }
  const Json answer = TRY(ask_service(paths.control_socket, "gpu clear " + options.uuid));
  const Json* error = answer.is_object() ? answer.find("error") : nullptr;
  if (error != nullptr && error->is_string()) return base::unavailable(error->as_string());
  std::printf("%s may be used again; an engine takes it up when it is started the next time.\n",
              options.uuid.c_str());
  return {};
}

// The audit log is told of it.
Status recorded_clear(const Config& config, const GpuOptions& options) {
  Act act("gpu clear", {{"uuid", options.uuid}});
  TRY(act.begin(config));
  return act.finish(clear(config, options));
}

int run(const GpuOptions& options, Status (*verb)(const Config&, const GpuOptions&)) {
  const auto config = daemon_config::read_config(options.config);
  if (!config.ok()) return report_failure(config.error());
  const Status status = verb(config.value(), options);
  return status.ok() ? kExitOk : report_failure(status.error());
}

}  // namespace

void add_gpu(Command& parent) {
  Command& gpu = parent.add("gpu", "how the GPUs are, and which may be used");
  auto options = std::make_shared<GpuOptions>();
  Command& shown = gpu.add("list", "show every GPU, what is thought of it, and what to do");
  shown.option("--config", options->config, "the configuration file of the service");
  shown.flag("--json", options->json, "print JSON");
  shown.runs([options] { return run(*options, list); });
  Command& cleared = gpu.add("clear", "say that a GPU that was taken out of use may be used again");
  cleared.option("--config", options->config, "the configuration file of the service");
  cleared.argument("UUID", options->uuid, "GPU-…, as 'redoubt gpu list' shows it");
  cleared.runs([options] { return run(*options, recorded_clear); });
}

}  // namespace daemon_cli
