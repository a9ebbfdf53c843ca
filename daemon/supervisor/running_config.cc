#include "daemon/supervisor/running_config.h"

#include <utility>

#include "daemon/supervisor/role_configs.h"
#include "daemon/supervisor/state_directory.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"

namespace daemon_supervisor {

namespace {

constexpr std::size_t kConfigBytesMax = std::size_t{1} << 20;

std::string digest_of(const base::Result<std::string>& text) {
  return text.ok() ? base::to_hex(provisioning::sha256(text.value())) : "";
}

}  // namespace

RunningConfig::RunningConfig(std::string path, daemon_config::Config config, std::size_t listeners)
    : path_(std::move(path)),
      config_(std::move(config)),
      listeners_(listeners),
      digest_(digest_of(base::read_text_file(path_, kConfigBytesMax))) {}

base::Json RunningConfig::facts() const {
  base::Json facts = base::Json::object({{"path", path_}});
  if (!digest_.empty()) facts.set("digest", digest_);
  return facts;
}

base::Result<FreshSettings> RunningConfig::read_again() {
  auto text = base::read_text_file(path_, kConfigBytesMax);
  digest_ = digest_of(text);
  const auto fresh = TRY(daemon_config::parse_config(TRY(std::move(text)), path_));
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
