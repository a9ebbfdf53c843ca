#include "daemon/supervisor/restart_policy.h"

#include <gtest/gtest.h>

namespace daemon_supervisor {
namespace {

TEST(RestartPolicy, ARoleThatHadBeenReadyIsStartedAtOnce) {
  RestartPolicy policy;
  EXPECT_EQ(policy.failed(0, true), 0);
  EXPECT_EQ(policy.failed(100, true), 0);
}

TEST(RestartPolicy, AStartThatFailsWaitsTwiceAsLongEachTime) {
  RestartPolicy policy({.intensity = 100});
  std::int64_t now = 0;
  for (const std::int64_t expected : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000}) {
    EXPECT_EQ(policy.failed(now, false), expected);
    now += expected;
  }
}

TEST(RestartPolicy, StartsOverOnceItHasBeenReady) {
  RestartPolicy policy({.intensity = 100});
  EXPECT_EQ(policy.failed(0, true), 0);
  EXPECT_EQ(policy.failed(10, false), 1'000);
  EXPECT_EQ(policy.failed(1'010, false), 2'000);
  EXPECT_EQ(policy.failed(5'000, true), 0);
  EXPECT_EQ(policy.failed(5'010, false), 1'000);
}

TEST(RestartPolicy, MoreFailuresThanTheIntensityInAPeriodAreAnAlarmAndTheSlowestPace) {
  RestartPolicy policy({.intensity = 5, .period_ms = 600'000});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(policy.failed(i * 1'000, true), 0);
  EXPECT_FALSE(policy.degraded(4'000));
  EXPECT_EQ(policy.failed(5'000, true), 60'000);
  EXPECT_TRUE(policy.degraded(5'000));
  EXPECT_TRUE(policy.degraded(600'000));
  EXPECT_FALSE(policy.degraded(600'001));  // the first of them has become history
}

TEST(RestartPolicy, RecoversFromTheAlarm) {
  RestartPolicy policy({.intensity = 1, .period_ms = 1'000});
  policy.failed(0, true);
  EXPECT_EQ(policy.failed(10, true), 60'000);
  EXPECT_EQ(policy.failed(60'010, true), 0);
}

TEST(RestartPolicy, AVeryLargeIntensityMeansAtOnceEveryTime) {
  RestartPolicy policy({.intensity = 1'000'000});
  for (std::int64_t now = 0; now < 10'000; ++now) EXPECT_EQ(policy.failed(now, true), 0);
}

TEST(RestartPolicy, AFailureThatIsForgivenBringsTheAlarmNoNearer) {
  RestartPolicy policy({.intensity = 2});
  policy.forgive();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(policy.failed(i, true), 0);
    policy.forgive();
  }
  EXPECT_EQ(policy.failed(20, true), 0);
  EXPECT_EQ(policy.failed(21, true), 0);
  EXPECT_EQ(policy.failed(22, true), 60'000);
}

// What a role costs that always dies, at its start or right after it: never more than one try a
// minute once it is known to fail.
TEST(RestartPolicy, NeverBecomesATightLoop) {
  for (const bool had_been_ready : {false, true}) {
    RestartPolicy policy;
    std::int64_t now = 0;
    int starts = 0;
    while (now < 3'600'000) {
      now += 10 + policy.failed(now, had_been_ready);
      ++starts;
    }
    EXPECT_LE(starts, 66);
  }
}

}  // namespace
}  // namespace daemon_supervisor
