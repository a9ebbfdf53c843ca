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
constexpr std::int64_t kAuditorStopMs = 5'000;    // it publishes everything
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

// What all engines have in common; the model, and the configuration that names it, are added later.
base::Result<RoleSpec> make_engine(const Config& config) {
  RoleSpec spec;
  const auto identity = TRY(
      find_identity(config.sandbox.engine_user, kEngineIdentity).context("sandbox.engine_user"));
  spec.name = "engine";
  spec.identity = identity;
  spec.arguments = role_arguments("engine", identity, 0);
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
                        std::move(audit)};
  set_common(config, executable, parts.gateway);
  set_common(config, executable, parts.audit.auditor);
  for (const std::string& address : addresses) log.notice("listening", {{"address", address}});
  Supervisor(std::move(parts), log, clock).run();
  ::unlink(paths.control_socket.c_str());
  return {};
}

}  // namespace daemon_supervisor
