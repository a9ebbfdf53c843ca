#include "daemon/health/health_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daemon_health {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto parsed = HealthConfig::parse(text);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(HealthConfig, IsWhatItWasAfterTheJourney) {
  HealthConfig config;
  config.nvml_library = "/opt/driver/libnvidia-ml.so.1";
  config.poll_interval_ms = 250;
  const auto parsed = HealthConfig::parse(config.serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed.value().nvml_library, config.nvml_library);
  EXPECT_EQ(parsed.value().poll_interval_ms, 250u);
}

TEST(HealthConfig, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(error_of("{}"), HasSubstr("health configuration.nvml_library: missing"));
  EXPECT_THAT(error_of(R"({"nvml_library":"","poll_interval_ms":1000})"),
              HasSubstr("nvml_library: 0 bytes"));
  EXPECT_THAT(error_of(R"({"nvml_library":"x","poll_interval_ms":49})"),
              HasSubstr("poll_interval_ms: 49, from 50 to 60000"));
  EXPECT_THAT(error_of(R"({"nvml_library":"x","poll_interval_ms":60001})"),
              HasSubstr("poll_interval_ms: 60001"));
  EXPECT_THAT(error_of(R"({"nvml_library":"x","poll_interval_ms":1000,"more":1})"),
              HasSubstr("not known"));
}

}  // namespace
}  // namespace daemon_health
