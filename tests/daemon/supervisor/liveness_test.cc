#include "daemon/supervisor/liveness.h"

#include <gtest/gtest.h>

namespace daemon_supervisor {
namespace {

Liveness make_ready(std::int64_t now) {
  Liveness liveness({.load_ms = 100, .busy_ms = 50});
  liveness.started(0);
  liveness.became_ready(now);
  return liveness;
}

TEST(Liveness, WantsProgressWhileStarting) {
  Liveness liveness({.load_ms = 100, .busy_ms = 50});
  liveness.started(1'000);
  EXPECT_EQ(liveness.next_deadline(), 1'100);
  EXPECT_EQ(liveness.overdue(1'099), "");
  EXPECT_EQ(liveness.overdue(1'100), "no progress while starting");
  EXPECT_FALSE(liveness.ping_due(5'000));
}

TEST(Liveness, OnlyAChangedCountIsProgress) {
  Liveness liveness({.load_ms = 100, .busy_ms = 50});
  liveness.started(0);
  liveness.progressed(5, 90);
  EXPECT_EQ(liveness.overdue(150), "");
  liveness.progressed(5, 180);
  EXPECT_EQ(liveness.overdue(190), "no progress while starting");
}

TEST(Liveness, PingsAtOnceAndThenEveryInterval) {
  Liveness liveness = make_ready(10);
  EXPECT_TRUE(liveness.ping_due(10));
  liveness.pinged(10);
  EXPECT_FALSE(liveness.ping_due(20));
  liveness.answered(0, false, 20);
  EXPECT_FALSE(liveness.ping_due(9 + 2'000));
  EXPECT_TRUE(liveness.ping_due(10 + 2'000));
}

TEST(Liveness, WantsAnAnswer) {
  Liveness liveness = make_ready(10);
  liveness.pinged(10);
  EXPECT_EQ(liveness.overdue(59), "");
  EXPECT_EQ(liveness.overdue(60), "does not answer");
  EXPECT_EQ(liveness.next_deadline(), 60);
}

TEST(Liveness, AnIdleRoleMayStayIdle) {
  Liveness liveness = make_ready(0);
  for (std::int64_t now = 0; now < 100'000; now += 2'000) {
    liveness.pinged(now);
    liveness.answered(7, false, now + 1);
    EXPECT_EQ(liveness.overdue(now + 1'999), "");
  }
}

TEST(Liveness, AnAnswerWithoutWorkDoesNotHelpABusyRole) {
  Liveness liveness = make_ready(0);
  liveness.pinged(0);
  liveness.answered(7, true, 1);
  liveness.pinged(20);
  liveness.answered(7, true, 21);
  EXPECT_EQ(liveness.overdue(50), "");
  EXPECT_EQ(liveness.overdue(51), "busy without progress");
}

TEST(Liveness, WorkHelpsABusyRole) {
  Liveness liveness = make_ready(0);
  for (std::int64_t now = 0; now < 1'000; now += 40) {
    liveness.pinged(now);
    liveness.answered(static_cast<std::uint64_t>(now), true, now + 1);
    EXPECT_EQ(liveness.overdue(now + 39), "");
  }
}

TEST(Liveness, IdleTimeDoesNotCountAgainstTheNextJob) {
  Liveness liveness = make_ready(0);
  liveness.pinged(0);
  liveness.answered(7, false, 1);
  liveness.pinged(5'000);
  liveness.answered(7, true, 5'001);  // has just begun
  EXPECT_EQ(liveness.overdue(5'050), "");
  EXPECT_EQ(liveness.overdue(5'051), "busy without progress");
}

}  // namespace
}  // namespace daemon_supervisor
