// What the health role is told when it starts. JSON in a sealed memfd from the supervisor.
#ifndef DAEMON_HEALTH_HEALTH_CONFIG_H_
#define DAEMON_HEALTH_HEALTH_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_health {

inline constexpr std::size_t kHealthConfigBytesMax = 8'192;
inline constexpr std::uint32_t kPollIntervalMsMin = 50;
inline constexpr std::uint32_t kPollIntervalMsMax = 60'000;

struct HealthConfig {
  std::string nvml_library = "libnvidia-ml.so.1";  // a name for the linker to find, or a path
  std::uint32_t poll_interval_ms = 1'000;

  std::string serialize() const;
  static base::Result<HealthConfig> parse(std::string_view text);  // unknown members are refused
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_HEALTH_CONFIG_H_
