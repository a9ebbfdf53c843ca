#include "daemon/supervisor/serve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/config/config.h"
#include "daemon/supervisor/handed_over.h"
#include "daemon/supervisor/listeners.h"
#include "daemon/supervisor/model_library.h"
#include "daemon/supervisor/role_configs.h"
#include "daemon/supervisor/role_users.h"
#include "daemon/supervisor/running_config.h"
#include "daemon/supervisor/sealed_memfd.h"
#include "daemon/supervisor/signals.h"
#include "daemon/supervisor/state_directory.h"
#include "daemon/supervisor/supervisor.h"
#include "daemon/version.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/privileges.h"

namespace daemon_supervisor {
namespace {

using daemon_config::Config;

constexpr unsigned kRuntimeMode = 0750;
constexpr std::int64_t kGatewayBusyMs = 9'000;   // its loop never waits for anything but events
constexpr std::int64_t kGatewayLoadMs = 10'000;  // keys, certificate, sockets
// An auditor waits for its disk and nothing else. One that takes long is not made faster by an end;
// meanwhile the gateway refuses work.
constexpr std::int64_t kAuditorBusyMs = 60'000;
constexpr std::int64_t kAuditorPingMs = 1'000;
constexpr std::int64_t kAuditorStopMs = 5'000;  // it publishes everything
// A call of NVML may hang as long as a GPU is sick.
constexpr std::int64_t kHealthBusyMs = 5'000;
constexpr std::int64_t kHealthLoadMs =
    60'000;  // drivers of many GPUs that nobody keeps awake take long
constexpr std::int64_t kHealthPingMs = 1'000;
constexpr std::uint32_t kGatewayOtherFiles = 64;  // beside the clients' connections

// Connections need descriptors, of which roles inherit our limit.
void raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

base::Status harden_supervisor() {
  raise_open_files_limit();
  TRY(hardening::lower_limit(RLIMIT_CORE, 0));
  return hardening::set_not_dumpable();
}

std::vector<std::string> role_arguments(const char* role, hardening::Identity identity,
                                        std::uint32_t open_files_max) {
  return {fmt::format("redoubt-{}", role),
          "role",
          role,
          fmt::format("--uid={}", identity.uid),
          fmt::format("--gid={}", identity.gid),
          fmt::format("--open-files={}", open_files_max)};
}

// Asked often enough that a role which froze right after an answer is asked well before its time is
// up.
Patience make_patience(std::int64_t load_ms, std::int64_t busy_ms) {
  constexpr std::int64_t kPingMs = 2'000;
  return {.load_ms = load_ms, .busy_ms = busy_ms, .ping_ms = std::min(kPingMs, busy_ms / 4)};
}

base::Result<RoleSpec> make_gateway(const Config& config, const StatePaths& paths,
                                    const std::vector<Listener>& listeners) {
  RoleSpec spec;
  const auto identity = TRY(
      find_identity(config.sandbox.gateway_user, kGatewayIdentity).context("sandbox.gateway_user"));
  spec.name = "gateway";
  spec.identity = identity;
  spec.arguments =
      role_arguments("gateway", identity, config.limits.connections_max + kGatewayOtherFiles);
  spec.config = TRY(create_gateway_config(config, paths, listeners.size()));
  for (const Listener& listener : listeners) spec.resources.push_back(listener.socket.get());
  spec.kind = RoleKind::kGateway;
  spec.patience = make_patience(kGatewayLoadMs, kGatewayBusyMs);
  return spec;
}

bool is_there(const char* path) {
  return ::access(path, F_OK) == 0;
}

bool nvidia_is_there() {
  return is_there("/proc/driver/nvidia") || is_there("/dev/nvidiactl");
}

// The engine meets a driver, and gets the sandbox for that, where there is one and it may compute
// with it.
bool may_use_gpu(const Config& config) {
  const std::string& backend = config.engine.backend;
  return backend != "cpu" && backend != "reference" && is_there("/dev/nvidiactl");
}

bool wants_gpu_care(const Config& config) {
  return config.gpu.care == "always" || (config.gpu.care == "auto" && nvidia_is_there());
}

// What all engines have in common; the model, and the configuration that names it, are added later.
base::Result<RoleSpec> make_engine(const Config& config) {
  RoleSpec spec;
  const auto identity = TRY(
      find_identity(config.sandbox.engine_user, kEngineIdentity).context("sandbox.engine_user"));
  spec.name = "engine";
  spec.identity = identity;
  spec.arguments = role_arguments("engine", identity, 0);
  if (may_use_gpu(config)) spec.arguments.emplace_back("--gpu");
  spec.progress_page = true;
  spec.kind = RoleKind::kEngine;
  spec.patience =
      make_patience(config.supervisor.load_timeout_ms, config.supervisor.busy_timeout_ms);
  return spec;
}

base::Result<AuditParts> make_audit(const Config& config, const StatePaths& paths,
                                    const RunningConfig& running, const base::Logger& log) {
  AuditParts audit;
  const auto identity = TRY(
      find_identity(config.sandbox.auditor_user, kAuditorIdentity).context("sandbox.auditor_user"));
  audit.directory = TRY(open_audit_directory(paths, identity));
  audit.writer = make_writer();
  audit.acts = paths.acts;
  audit.config = [&running] { return running.facts(); };
  RoleSpec& spec = audit.auditor;
  spec.name = "auditor";
  spec.identity = identity;
  spec.arguments = role_arguments("auditor", identity, 0);
  spec.config = TRY(create_auditor_config(config, audit.writer, log));
  spec.resources = {audit.directory.get()};
  spec.kind = RoleKind::kAuditor;
  spec.patience = make_patience(config.supervisor.load_timeout_ms, kAuditorBusyMs);
  spec.patience.ping_ms = kAuditorPingMs;
  spec.patience.stop_ms = kAuditorStopMs;
  return audit;
}

base::Result<RoleSpec> make_health(const Config& config) {
  RoleSpec spec;
  const auto identity = TRY(
      find_identity(config.sandbox.health_user, kHealthIdentity).context("sandbox.health_user"));
  spec.name = "health";
  spec.identity = identity;
  spec.arguments = role_arguments("health", identity, 0);
  if (!config.gpu.nvml_library.empty())
    spec.arguments.push_back("--library=" + config.gpu.nvml_library);
  spec.config = TRY(create_health_config(config));
  spec.kind = RoleKind::kHealth;
  spec.patience = make_patience(kHealthLoadMs, kHealthBusyMs);
  spec.patience.first_ms = kHealthLoadMs;  // the library's first call may be its longest
  spec.patience.ping_ms = kHealthPingMs;
  return spec;
}

// A file that cannot be read must not keep the service from starting; nor may it be written over
// before somebody has seen it.
GpuRecords read_kept_gpus(std::string& path, const base::Logger& log) {
  auto records = read_gpu_records(path);
  if (records.ok()) return std::move(records).value();
  log.error(
      "ALARM: which GPUs are out of use cannot be read: all are used, and nothing is written down",
      {{"why", records.error().message}});
  path.clear();
  return {};
}

base::Result<std::optional<GpuParts>> make_gpus(const Config& config, const StatePaths& paths,
                                                const base::Logger& log) {
  if (!wants_gpu_care(config)) return std::optional<GpuParts>();
  std::string path = paths.gpus;
  GpuRecords kept = read_kept_gpus(path, log);
  GpuWatch::Settings settings;
  settings.limits.silence_ms = config.gpu.silence_ms;
  // Without an id nobody can tell whether the machine was started anew: what is out of use stays
  // so.
  constexpr std::size_t kBootDigits = 32;
  const std::string same = kept.boot.empty() ? std::string(kBootDigits, '0') : kept.boot;
  settings.boot = kernel_boot_id().value_or(same);
  settings.every_gpu_concerns = config.gpu.care == "always";
  GpuWatch watch(std::move(settings), std::move(kept));
  RoleSpec health = TRY(make_health(config));
  return std::optional<GpuParts>(GpuParts{std::move(health), std::move(watch), std::move(path)});
}

void set_common(const Config& config, const base::Fd& executable, RoleSpec& spec) {
  spec.executable = executable.get();
  spec.landlock_abi_min = config.sandbox.landlock_abi_min;
  spec.restarts.intensity = config.supervisor.restart_intensity;
  spec.restarts.period_ms = config.supervisor.restart_period_ms;
}

std::vector<std::string> addresses_of(const std::vector<Listener>& listeners) {
  std::vector<std::string> addresses;
  for (const Listener& l : listeners)
    addresses.push_back(daemon_config::format_listen_address(l.address));
  return addresses;
}

base::Json make_facts(const std::vector<std::string>& addresses) {
  base::Json list = base::Json::array();
  for (const std::string& address : addresses) list.push_back(address);
  return base::Json::object(
      {{"version", daemon_version::kVersion}, {"listeners", std::move(list)}});
}

}  // namespace

base::Status run_supervisor(const std::string& config_path, const base::Logger& log) {
  TRY(harden_supervisor());
  auto handed_over =
      TRY(take_handed_over(log));  // first: until then they look like anybody's descriptors
  Config config = TRY(daemon_config::read_config(config_path));
  const StatePaths paths(config);
  TRY(ensure_directory(config.paths.state, kStateMode));
  TRY(ensure_directory(config.paths.runtime, kRuntimeMode));
  const base::Fd lock = TRY(lock_state(paths));
  const base::Fd executable = TRY(base::open_file("/proc/self/exe", O_PATH));
  const base::SystemClock clock;
  ModelLibrary models(
      config,
      [&]() -> base::Result<RoleSpec> {
        RoleSpec spec = TRY(make_engine(config));
        set_common(config, executable, spec);
        return spec;
      },
      log, clock);
  const auto listeners = TRY(open_listeners(std::move(handed_over.sockets), config.server.listen));
  const auto addresses = addresses_of(listeners);
  RunningConfig running(config_path, config, listeners.size());

  AuditParts audit = TRY(make_audit(config, paths, running, log));
  auto gpus = TRY(make_gpus(config, paths, log));
  if (gpus) {
    models.exclude_gpus(gpus->watch.excluded());
    set_common(config, executable, gpus->health);
  }
  RoleSpec gateway = TRY(make_gateway(config, paths, listeners));
  base::Fd signals = TRY(create_signal_fd());
  ControlSocket control_socket = TRY(ControlSocket::create(paths.control_socket));
  // The last that can fail: a start that does not even come to the model must not count as one of
  // its trials.
  EngineModel model = TRY(models.open_to_start());

  SupervisorParts parts{std::move(gateway),
                        std::move(model),
                        &models,
                        std::move(signals),
                        std::move(control_socket),
                        make_facts(addresses),
                        fmt::format("{}", fmt::join(addresses, ", ")),
                        [&] { return running.config().server.drain_timeout_ms; },
                        [&] { return running.read_again(); },
                        std::move(handed_over.weights),
                        std::move(handed_over.useless),
                        std::move(audit),
                        std::move(gpus)};
  set_common(config, executable, parts.gateway);
  set_common(config, executable, parts.audit.auditor);
  for (const std::string& address : addresses) log.notice("listening", {{"address", address}});
  Supervisor(std::move(parts), log, clock).run();
  ::unlink(paths.control_socket.c_str());
  return {};
}

}  // namespace daemon_supervisor
