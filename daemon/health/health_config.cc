#include "daemon/health/health_config.h"

#include "daemon/health/json_members.h"
#include "hardening/base/json.h"

namespace daemon_health {

using base::Json;

namespace {
constexpr std::size_t kPathBytesMax = 4'096;
}  // namespace

std::string HealthConfig::serialize() const {
  return Json::object({{"nvml_library", nvml_library}, {"poll_interval_ms", poll_interval_ms}})
      .dump();
}

base::Result<HealthConfig> HealthConfig::parse(std::string_view text) {
  const Json json = TRY(Json::parse(text, {.bytes_max = kHealthConfigBytesMax, .depth_max = 2})
                            .context("health configuration"));
  JsonMembers members = TRY(JsonMembers::open(json, "health configuration"));
  HealthConfig config;
  config.nvml_library = TRY(members.text("nvml_library", 1, kPathBytesMax));
  config.poll_interval_ms = static_cast<std::uint32_t>(
      TRY(members.integer("poll_interval_ms", kPollIntervalMsMin, kPollIntervalMsMax)));
  TRY(members.expect_no_more());
  return config;
}

}  // namespace daemon_health
