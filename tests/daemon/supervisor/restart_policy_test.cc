#include "daemon/supervisor/restart_policy.h"

#include <gtest/gtest.h>

namespace daemon_supervisor {
namespace {

TEST(RestartPolicy, WaitsTwiceAsLongEachTime) {
  RestartPolicy policy({.failures_max = 100});
  std::int64_t now = 0;
  for (const std::int64_t expected : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000}) {
    EXPECT_EQ(policy.failed(now, 0), expected);
    now += expected;
  }
}

TEST(RestartPolicy, StartsOverAfterAStableTime) {
  RestartPolicy policy;
  EXPECT_EQ(policy.failed(0, 0), 1'000);
  EXPECT_EQ(policy.failed(1'000, 59'999), 2'000);
  EXPECT_EQ(policy.failed(100'000, 60'000), 1'000);
}

TEST(RestartPolicy, ManyFailuresInAPeriodAreAnAlarmAndTheSlowestPace) {
  RestartPolicy policy;
  for (int i = 0; i < 4; ++i) policy.failed(i * 61'000, 60'000);
  EXPECT_FALSE(policy.degraded(300'000));
  EXPECT_EQ(policy.failed(300'000, 60'000), 60'000);
  EXPECT_TRUE(policy.degraded(300'000));
  EXPECT_TRUE(policy.degraded(600'000));
  EXPECT_FALSE(policy.degraded(600'001));  // the first of them has become history
}

// What a role that always dies at start costs: never more than one try a minute once it is known to
// fail.
TEST(RestartPolicy, NeverBecomesATightLoop) {
  RestartPolicy policy;
  std::int64_t now = 0;
  int starts = 0;
  while (now < 3'600'000) {
    now += 10 + policy.failed(now, 0);
    ++starts;
  }
  EXPECT_LE(starts, 65);
}

}  // namespace
}  // namespace daemon_supervisor
