#include "daemon/supervisor/liveness.h"

#include <gtest/gtest.h>

#include <algorithm>

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

TEST(Liveness, PatienceIsShortUntilTheFirstSignOfLife) {
  const Patience patience{.first_ms = 10, .load_ms = 100};
  Liveness silent(patience), reports(patience), moves(patience);
  for (Liveness* liveness : {&silent, &reports, &moves}) {
    liveness->started(1'000);
    liveness->page_read(0, false, 1'005);
    EXPECT_EQ(liveness->next_deadline(), 1'010);
  }
  reports.progressed(0, 1'009);  // it says that it has done nothing, but it says so
  moves.page_read(1, false, 1'009);
  EXPECT_EQ(silent.overdue(1'010), "no progress while starting");
  EXPECT_EQ(reports.overdue(1'108), "");
  EXPECT_EQ(moves.overdue(1'108), "");
  EXPECT_EQ(reports.overdue(1'109), "no progress while starting");
  EXPECT_EQ(moves.overdue(1'109), "no progress while starting");
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

// ---- the progress page --------------------------------------------------------------------------

TEST(Liveness, ALongStepIsNoOffence) {
  Liveness liveness = make_ready(0);
  liveness.pinged(0);
  std::uint64_t layers = 0;
  for (std::int64_t now = 0; now < 10'000; now += 20) {
    liveness.page_read(++layers, true, now);  // and no answer, all the while
    EXPECT_EQ(liveness.overdue(now + 19), "");
  }
}

TEST(Liveness, AStepThatStandsStillIsOne) {
  Liveness liveness = make_ready(0);
  liveness.pinged(0);
  liveness.answered(1, true, 1);
  liveness.page_read(5, true, 10);
  liveness.page_read(6, true, 20);  // moved at 10 or later
  liveness.page_read(6, true, 40);
  EXPECT_EQ(liveness.overdue(59), "");
  EXPECT_EQ(liveness.overdue(60), "busy without progress");
}

TEST(Liveness, APageThatMovesExcusesAnAnswerThatIsMissing) {
  Liveness liveness = make_ready(0);
  liveness.pinged(0);
  liveness.page_read(5, false, 30);
  liveness.page_read(6, false, 40);
  EXPECT_EQ(liveness.overdue(79), "");
  EXPECT_EQ(liveness.overdue(80), "does not answer");
}

TEST(Liveness, AnIdlePageAsksForNothing) {
  Liveness liveness = make_ready(0);
  liveness.pinged(0);
  liveness.answered(0, false, 1);
  liveness.page_read(0, false, 1'000);
  EXPECT_EQ(liveness.overdue(1'900), "");
}

TEST(Liveness, TheBeginningOfAStepIsProgress) {
  Liveness liveness = make_ready(0);
  liveness.pinged(0);
  liveness.answered(0, false, 1);
  liveness.page_read(0, false, 490);
  liveness.page_read(0, true, 500);
  EXPECT_EQ(liveness.overdue(539), "");
  EXPECT_EQ(liveness.overdue(540), "busy without progress");
}

// Wherever in the cycle of pings it froze: from its last sign of life on, never longer than
// busy_ms.
TEST(Liveness, AFrozenRoleIsFoundOutWithinItsPatience) {
  for (std::int64_t frozen_at = 20'000; frozen_at < 24'000; frozen_at += 7) {
    Liveness liveness({.busy_ms = 9'000, .ping_ms = 2'000});
    liveness.started(0);
    liveness.became_ready(0);
    std::int64_t now = 0;
    while (liveness.overdue(now).empty()) {
      if (liveness.ping_due(now)) {
        liveness.pinged(now);
        if (now < frozen_at) liveness.answered(0, false, now);
      }
      now = std::max(now + 1, liveness.next_deadline());
    }
    EXPECT_LE(now, frozen_at + 9'000);
    EXPECT_GE(now, frozen_at + 9'000 - 2'000);
  }
}

TEST(Liveness, TimeInWhichNobodyRanDoesNotCount) {
  Liveness liveness = make_ready(0);
  liveness.pinged(0);
  liveness.page_read(5, true, 10);
  liveness.page_read(6, true, 20);
  liveness.excuse(100'000);
  EXPECT_EQ(liveness.overdue(100'059), "");
  EXPECT_EQ(liveness.overdue(100'060), "busy without progress");
}

}  // namespace
}  // namespace daemon_supervisor
