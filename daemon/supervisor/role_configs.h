// What roles are told when they start, put together from the configuration file and the state
// directory.
#ifndef DAEMON_SUPERVISOR_ROLE_CONFIGS_H_
#define DAEMON_SUPERVISOR_ROLE_CONFIGS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/fd.h"
#include "hardening/base/log.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// A sealed memfd with the JSON of GatewayConfig, keys and certificate as they are on disk now. (The
// engine's depends on its model: model_library.h.)
base::Result<base::Fd> create_gateway_config(const daemon_config::Config& config,
                                             const StatePaths& paths, std::size_t listeners);

// A sealed memfd with the JSON of AuditorConfig; `supervisor` is the writer that we are.
base::Result<base::Fd> create_auditor_config(const daemon_config::Config& config,
                                             std::uint64_t supervisor, const base::Logger& log);

// A sealed memfd with the JSON of HealthConfig.
base::Result<base::Fd> create_health_config(const daemon_config::Config& config);

// The kernel's boot id, or, where /proc shows processes alone (ProcSubset=pid), what systemd says
// it is: 32 hexadecimal digits. Nothing: it is not to be had.
std::optional<std::string> kernel_boot_id();

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ROLE_CONFIGS_H_
