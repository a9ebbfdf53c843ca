// What each role is told when it starts, put together from the configuration file and the state
// directory.
#ifndef DAEMON_SUPERVISOR_ROLE_CONFIGS_H_
#define DAEMON_SUPERVISOR_ROLE_CONFIGS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/config/config.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// The model to serve: an open directory whose contents the engine verifies. Nothing in it is read
// here.
struct ModelSource {
  base::Fd directory;
  std::string path;
  std::string name;          // what clients call it
  std::int64_t created = 0;  // unix seconds
};

// The configured directory, or the store's active model. kNotFound says how to get one.
base::Result<ModelSource> open_model(const daemon_config::Config& config, const StatePaths& paths);

// Sealed memfds with the JSON of GatewayConfig and EngineConfig. The gateway's holds keys and
// certificate as they are on disk now.
base::Result<base::Fd> create_gateway_config(const daemon_config::Config& config,
                                             const StatePaths& paths, std::size_t listeners);
base::Result<base::Fd> create_engine_config(const daemon_config::Config& config,
                                            const ModelSource& model);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ROLE_CONFIGS_H_
