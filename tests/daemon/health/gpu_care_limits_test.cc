// What happens too often, or lasts: restarts, engines that do not start, resets, timeouts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/health/care_table.h"
#include "daemon/health/xid_table.h"
#include "tests/daemon/health/gpu_care_fixture.h"

namespace daemon_health {
namespace {

TEST(GpuCare, QuarantinesAfterTooManyRestarts) {
  Care care;
  care.reach(S::kHealthy);
  for (int restart = 1; restart <= 3; ++restart) {
    (void)care.xids({31});
    EXPECT_EQ(care.state(), S::kResetting) << restart;
    (void)care.happened(H::kEngineVerified);
    EXPECT_EQ(care.state(), S::kHealthy);
  }
  (void)care.xids({31});
  EXPECT_EQ(care.state(), S::kQuarantined);
  EXPECT_EQ(care.status().verdict.cause, "restarts exhausted");
  EXPECT_THAT(care.status().verdict.text, testing::HasSubstr("XID 31"));
}

TEST(GpuCare, ForgivesRestartsAfterQuiet) {
  Care care;
  care.reach(S::kHealthy);
  for (int restart = 0; restart < 10; ++restart) {
    (void)care.xids({31});
    (void)care.happened(H::kEngineVerified);
    (void)care.pass(601'000);
  }
  EXPECT_EQ(care.state(), S::kHealthy);
}

TEST(GpuCare, CountsEnginesThatDoNotStart) {
  Care care;
  care.reach(S::kHealthy);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const auto verdicts = care.happened(H::kEngineFailed);
    ASSERT_EQ(verdicts.size(), 1u);
    EXPECT_EQ(verdicts[0].to, S::kResetting);
  }
  (void)care.happened(H::kEngineFailed);
  EXPECT_EQ(care.state(), S::kQuarantined);
}

TEST(GpuCare, CountsEachEngineThatBeginsAndDoesNotComeThrough) {
  for (const H end : {H::kEngineFailed, H::kStickyError, H::kEngineHung}) {
    Care care;
    care.reach(S::kHealthy);
    for (int attempt = 1; attempt <= 4; ++attempt) {
      EXPECT_NE(care.state(), S::kQuarantined);
      (void)care.happened(H::kEngineStarted);
      EXPECT_EQ(care.state(), attempt == 1 ? S::kHealthy : S::kVerifying);
      (void)care.happened(end);
    }
    EXPECT_EQ(care.state(), S::kQuarantined);
    EXPECT_EQ(care.status().verdict.cause, "restarts exhausted");
  }
}

TEST(GpuCare, WaitsForWhatAFormerEngineHoldsThoughTheNextBegins) {
  Care care;
  GpuReading reading = well();
  reading.processes = {4711};
  (void)care.see(reading);
  (void)care.happened(H::kEngineFailed);
  EXPECT_TRUE(care.happened(H::kEngineStarted).empty());
  EXPECT_EQ(care.state(), S::kResetting);
  reading.processes = {4712};
  EXPECT_EQ(care.see(reading).size(), 1u);
  EXPECT_EQ(care.state(), S::kVerifying);

  (void)care.happened(H::kEngineFailed);
  (void)care.happened(H::kEngineStarted);
  EXPECT_EQ(care.state(), S::kResetting);
  (void)care.happened(H::kEngineVerified);
  EXPECT_EQ(care.state(), S::kHealthy) << "one that serves has what it needs";
}

TEST(GpuCare, DoesNotCountTheSameEndTwice) {
  Care care;
  care.reach(S::kHealthy);
  (void)care.xids({13, 31});
  (void)care.happened(H::kStickyError);
  (void)care.happened(H::kEngineHung);
  (void)care.xids({45, 13});
  EXPECT_EQ(care.status().restarts, 1u);
  EXPECT_EQ(care.state(), S::kResetting);
}

TEST(GpuCare, WantsAnInspectionAfterTooManyResets) {
  Care care;
  care.reach(S::kHealthy);
  for (int reset = 1; reset <= 2; ++reset) {
    (void)care.xids({119});
    EXPECT_EQ(care.status().verdict.action, A::kAskReset);
    (void)care.happened(H::kOperatorCleared);
    (void)care.happened(H::kEngineVerified);
    EXPECT_EQ(care.state(), S::kHealthy);
  }
  (void)care.xids({119});
  EXPECT_EQ(care.status().verdict.cause, "resets exhausted");
  EXPECT_EQ(care.status().verdict.action, A::kQuarantine);
  EXPECT_TRUE(care.xids({120}).empty());
}

TEST(GpuCare, EndsATimeoutThatStaysInQuarantine) {
  Care care;
  care.reach(S::kHealthy);
  GpuReading reading = well();
  reading.status = NvmlStatus::kTimeout;
  for (int round = 0; round < 4 && care.state() != S::kQuarantined; ++round) {
    (void)care.see(reading);
    (void)care.happened(H::kDrained);
    (void)care.happened(H::kEngineStarted);
  }
  EXPECT_EQ(care.state(), S::kQuarantined);
  EXPECT_EQ(care.status().verdict.cause, "restarts exhausted");
}

}  // namespace
}  // namespace daemon_health
