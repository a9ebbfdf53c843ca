#include "daemon/supervisor/running_config.h"

#include <utility>

#include "daemon/supervisor/role_configs.h"
#include "daemon/supervisor/state_directory.h"

namespace daemon_supervisor {

base::Result<FreshSettings> RunningConfig::read_again() {
  const auto fresh = TRY(daemon_config::read_config(path_));
  auto changes = daemon_config::compare(config_, fresh);
  auto next = daemon_config::apply_in_place(config_, fresh);
  FreshSettings settings;
  settings.gateway_config = TRY(create_gateway_config(next, StatePaths(next), listeners_));
  settings.changed = std::move(changes.in_place);
  settings.restarted = std::move(changes.needs_restart);
  settings.taken = [this, next = std::move(next)] { config_ = next; };
  return settings;
}

}  // namespace daemon_supervisor
