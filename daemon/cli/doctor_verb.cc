// redoubt doctor
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "daemon/cli/ask_service.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/report.h"
#include "daemon/cli/verbs.h"
#include "daemon/config/config.h"
#include "daemon/doctor/driver_questions.h"
#include "daemon/doctor/finding.h"
#include "daemon/doctor/gpu_checks.h"
#include "daemon/doctor/machine_checks.h"
#include "daemon/doctor/nvidia_view.h"
#include "daemon/doctor/site_checks.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/clock.h"
#include "hardening/landlock.h"

namespace daemon_cli {
namespace {

using daemon_doctor::Finding;
using daemon_doctor::Findings;
using daemon_doctor::Level;

constexpr std::int64_t kDriverTimeoutMs =
    15'000;  // the first call after a start may set the driver up

struct DoctorOptions {
  std::string config = "/etc/redoubt/redoubt.toml";
  bool json = false;
};

void append(Findings& to, Findings from) {
  for (Finding& finding : from) to.push_back(std::move(finding));
}

daemon_doctor::MachineFacts machine_facts() {
  kernels::Limits limits;
  limits.rows_max = 1;
  limits.cols_max = 32;
  limits.heads_max = 1;
  limits.head_dim_max = 32;
  limits.context_tokens_max = 32;
  const auto ops = kernels::make_cpu_ops({.limits = limits});
  return {ops ? std::string(ops->name()) : std::string(), hardening::landlock_abi()};
}

// Pids of the roles: what of ours may be found on a GPU.
std::vector<std::uint32_t> pids_of(const base::Result<base::Json>& status) {
  std::vector<std::uint32_t> pids;
  const base::Json* roles = status.ok() ? status.value().find("roles") : nullptr;
  if (roles == nullptr || !roles->is_array()) return pids;
  for (const base::Json& role : roles->as_array()) {
    const base::Json* pid = role.is_object() ? role.find("pid") : nullptr;
    if (pid != nullptr && pid->is_int() && pid->as_int() > 0)
      pids.push_back(static_cast<std::uint32_t>(pid->as_int()));
  }
  return pids;
}

Findings look_at_gpus(const daemon_config::Config* config, std::vector<std::uint32_t> ours) {
  daemon_doctor::GpuEvidence evidence;
  evidence.files = daemon_doctor::look_at_nvidia(daemon_doctor::SystemView());
  evidence.wanted = config != nullptr && config->engine.backend == "cuda";
  evidence.ours = std::move(ours);
  evidence.cuda = daemon_doctor::ask_cuda(kDriverTimeoutMs);
  const std::string library = config != nullptr ? config->gpu.nvml_library : std::string();
  if (evidence.files.module_version || !library.empty())
    evidence.nvml = daemon_doctor::ask_nvml(library, kDriverTimeoutMs);
  return daemon_doctor::check_gpus(evidence);
}

Findings examine(const DoctorOptions& options) {
  Findings findings;
  const auto config = daemon_config::read_config(options.config);
  const auto* read = config.ok() ? &config.value() : nullptr;
  append(findings, daemon_doctor::check_machine(daemon_doctor::SystemView(), machine_facts()));
  std::vector<std::uint32_t> ours;
  if (read == nullptr) {
    const bool absent = config.error().code == base::ErrorCode::kNotFound;
    findings.push_back({"site.config", absent ? Level::kNote : Level::kFault,
                        config.error().message, "redoubt config check FILE names every mistake."});
  } else {
    findings.push_back({"site.config", Level::kOk, options.config + ": nothing wrong", {}});
    append(findings, daemon_doctor::check_site(*read, base::SystemClock().unix_seconds()));
    const auto status = ask_service(daemon_supervisor::StatePaths(*read).control_socket, "status");
    ours = pids_of(status);
    append(findings, daemon_doctor::check_service(status));
  }
  append(findings, look_at_gpus(read, std::move(ours)));
  return findings;
}

int run_doctor(const DoctorOptions& options) {
  const Findings findings = examine(options);
  const std::string text = options.json
                               ? daemon_doctor::findings_json(findings).dump_pretty() + "\n"
                               : daemon_doctor::format_findings(findings);
  std::fputs(text.c_str(), stdout);
  return daemon_doctor::any_fault(findings) ? kExitFailure : kExitOk;
}

}  // namespace

void add_doctor(Command& parent) {
  Command& verb =
      parent.add("doctor", "look at machine, site and GPU, and name faults and their mends");
  auto options = std::make_shared<DoctorOptions>();
  verb.option("--config", options->config, "the configuration file of the service");
  verb.flag("--json", options->json, "print JSON");
  verb.footer("Exits with 1 when there is a fault. Changes nothing.");
  verb.runs([options] { return run_doctor(*options); });
}

}  // namespace daemon_cli
