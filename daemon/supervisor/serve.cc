#include "daemon/supervisor/serve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/supervisor/listeners.h"
#include "daemon/supervisor/role_configs.h"
#include "daemon/supervisor/role_users.h"
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

constexpr unsigned kStateMode = 0700;
constexpr unsigned kRuntimeMode = 0750;
constexpr std::int64_t kGatewayBusyMs = 10'000;   // its loop never waits for anything but events
constexpr std::uint32_t kGatewayOtherFiles = 64;  // beside the clients' connections
constexpr int kFirstResource = 5;

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
                                        std::size_t resources, std::uint32_t open_files_max) {
  return {fmt::format("redoubt-{}", role),
          "role",
          role,
          fmt::format("--uid={}", identity.uid),
          fmt::format("--gid={}", identity.gid),
          fmt::format("--descriptors={}", kFirstResource + static_cast<int>(resources)),
          fmt::format("--open-files={}", open_files_max)};
}

base::Result<RoleSpec> make_gateway(const Config& config, const StatePaths& paths,
                                    const std::vector<Listener>& listeners) {
  RoleSpec spec;
  const auto identity = TRY(
      find_identity(config.sandbox.gateway_user, kGatewayIdentity).context("sandbox.gateway_user"));
  spec.name = "gateway";
  spec.arguments = role_arguments("gateway", identity, listeners.size(),
                                  config.limits.connections_max + kGatewayOtherFiles);
  spec.config = TRY(create_gateway_config(config, paths, listeners.size()));
  for (const Listener& listener : listeners) spec.resources.push_back(listener.socket.get());
  spec.patience = {.load_ms = 3 * kGatewayBusyMs, .busy_ms = kGatewayBusyMs};
  return spec;
}

base::Result<RoleSpec> make_engine(const Config& config, const ModelSource& model) {
  RoleSpec spec;
  const auto identity = TRY(
      find_identity(config.sandbox.engine_user, kEngineIdentity).context("sandbox.engine_user"));
  spec.name = "engine";
  spec.arguments = role_arguments("engine", identity, 1, 0);
  spec.config = TRY(create_engine_config(config, model));
  spec.resources = {model.directory.get()};
  spec.patience = {.load_ms = config.supervisor.load_timeout_ms,
                   .busy_ms = config.supervisor.busy_timeout_ms};
  return spec;
}

base::Json make_facts(const std::vector<Listener>& listeners, const ModelSource& model) {
  base::Json addresses = base::Json::array();
  for (const Listener& l : listeners)
    addresses.push_back(daemon_config::format_listen_address(l.address));
  return base::Json::object(
      {{"version", daemon_version::kVersion},
       {"listeners", std::move(addresses)},
       {"model", base::Json::object({{"name", model.name}, {"path", model.path}})}});
}

std::string make_summary(const std::vector<Listener>& listeners, const ModelSource& model) {
  std::vector<std::string> addresses;
  for (const Listener& l : listeners)
    addresses.push_back(daemon_config::format_listen_address(l.address));
  return fmt::format("serving {} on {}", model.name, fmt::join(addresses, ", "));
}

}  // namespace

base::Status run_supervisor(const Config& config, const base::Logger& log) {
  TRY(harden_supervisor());
  const StatePaths paths(config);
  TRY(ensure_directory(config.paths.state, kStateMode));
  TRY(ensure_directory(config.paths.runtime, kRuntimeMode));
  const base::Fd lock = TRY(lock_state(paths));
  const base::Fd executable = TRY(base::open_file("/proc/self/exe", O_PATH));
  const ModelSource model = TRY(open_model(config, paths));
  const auto listeners = TRY(open_listeners(config.server.listen));

  SupervisorParts parts{TRY(make_gateway(config, paths, listeners)),
                        TRY(make_engine(config, model)),
                        TRY(create_signal_fd()),
                        TRY(ControlSocket::create(paths.control_socket)),
                        config.server.drain_timeout_ms,
                        make_facts(listeners, model),
                        make_summary(listeners, model),
                        [&] { return create_gateway_config(config, paths, listeners.size()); }};
  for (RoleSpec* spec : {&parts.gateway, &parts.engine}) {
    spec->executable = executable.get();
    spec->landlock_abi_min = config.sandbox.landlock_abi_min;
  }
  for (const Listener& l : listeners) {
    log.notice("listening", {{"address", daemon_config::format_listen_address(l.address)}});
  }
  const base::SystemClock clock;
  Supervisor(std::move(parts), log, clock).run();
  ::unlink(paths.control_socket.c_str());
  return {};
}

}  // namespace daemon_supervisor
