#include "daemon/supervisor/running_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/gateway/gateway_config.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RunningConfigTest : public testing::Test {
 protected:
  // A configuration file with these lines behind the paths.
  void write(const std::string& text) {
    const std::string all = "[paths]\nstate = \"" + directory_.path() + "\"\n" + text;
    ASSERT_TRUE(base::replace_file(file(), all, 0600).ok());
  }
  std::string file() const { return directory_.path() + "/redoubt.toml"; }

  RunningConfig running() const {
    return RunningConfig(file(), daemon_config::read_config(file()).value(), 2);
  }

  static daemon_gateway::GatewayConfig gateway_config(const FreshSettings& settings) {
    const auto text = base::read_text(settings.gateway_config, 1 << 20).value();
    return daemon_gateway::GatewayConfig::parse(base::Json::parse(text).value()).value();
  }

  TemporaryDirectory directory_;
};

TEST_F(RunningConfigTest, TakesWhatTheGatewayCanChangeAndNamesTheRest) {
  write("[limits]\nbody_bytes_max = 4096\nrequests_max = 8\n[engine]\nthreads = 1\n");
  RunningConfig config = running();
  write("[limits]\nbody_bytes_max = 8192\nrequests_max = 9\n[engine]\nthreads = 2\n");
  const auto settings = config.read_again();
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_THAT(settings.value().changed, ElementsAre("limits.body_bytes_max"));
  EXPECT_THAT(settings.value().restarted, ElementsAre("engine.threads", "limits.requests_max"));
  const auto gateway = gateway_config(settings.value());
  EXPECT_EQ(gateway.body_bytes_max, 8'192u);
  EXPECT_EQ(gateway.requests_max, 8u);  // as it runs
  EXPECT_EQ(gateway.listeners, 2u);
}

TEST_F(RunningConfigTest, WhatNeedsARestartIsNamedUntilThereWasOne) {
  write("[engine]\nthreads = 1\n");
  RunningConfig config = running();
  write("[engine]\nthreads = 2\n[server]\ndrain_timeout_ms = 500\n");
  const auto first = config.read_again();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(config.config().server.drain_timeout_ms, 30'000u);  // not before it was taken
  first.value().taken();
  EXPECT_EQ(config.config().server.drain_timeout_ms, 500u);
  const auto second = config.read_again();
  ASSERT_TRUE(second.ok());
  EXPECT_THAT(second.value().changed, IsEmpty());
  EXPECT_THAT(second.value().restarted, ElementsAre("engine.threads"));
}

TEST_F(RunningConfigTest, AnInvalidFileIsOneError) {
  write("");
  RunningConfig config = running();
  write("[limits]\nbody_bytes_max = 1\n");
  const auto settings = config.read_again();
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().message, HasSubstr(":4: limits.body_bytes_max must be"));
}

TEST_F(RunningConfigTest, ACertificateThatCannotBeReadIsAnError) {
  write("");
  RunningConfig config = running();
  write("[server]\ntls_certificate = \"/nonexistent\"\ntls_private_key = \"/nonexistent\"\n");
  const auto settings = config.read_again();
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().message, HasSubstr("TLS certificate"));
}

}  // namespace
}  // namespace daemon_supervisor
