// Any text either gives a configuration whose values are in range or an error of ours.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = daemon_config::parse_config(text, "fuzz.toml");
  if (!config.ok()) {
    if (config.error().message.empty()) std::abort();
    return 0;
  }
  const auto& c = config.value();
  if (c.server.listen.empty() || c.limits.requests_max < 1 || c.engine.sequences_max > 256)
    std::abort();
  for (const auto& address : c.server.listen) {
    if (!daemon_config::parse_listen_address(daemon_config::format_listen_address(address)).ok())
      std::abort();
  }
  return 0;
}
