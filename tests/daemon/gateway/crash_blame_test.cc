#include "daemon/gateway/crash_blame.h"

#include <gtest/gtest.h>

#include <vector>

namespace daemon_gateway {
namespace {

using Requests = std::vector<std::uint64_t>;

TEST(CrashBlame, OneDeathIsAnAccident) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(Requests{1}));
  EXPECT_TRUE(blame.may_run(1));
  EXPECT_TRUE(blame.may_run(2));
}

TEST(CrashBlame, TwoDeathsWithoutATokenInBetweenAreARequestsOwn) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(Requests{1}));
  EXPECT_EQ(blame.engine_died(Requests{1}), 1U);
  EXPECT_TRUE(blame.may_run(2));
}

TEST(CrashBlame, WhoGetsFurtherIsInnocent) {
  CrashBlame blame;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(blame.engine_died(Requests{1, 2, 3}));
    for (const std::uint64_t request : {1U, 2U, 3U}) blame.got_further(request);
  }
}

TEST(CrashBlame, WhoAloneGotNoFurtherIsGuilty) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(Requests{1, 2, 3}));
  blame.got_further(1);
  blame.got_further(3);
  EXPECT_EQ(blame.engine_died(Requests{1, 2, 3}), 2U);
  EXPECT_TRUE(blame.may_run(1));
}

// The third is guilty; all of them die with it before any makes a token.
TEST(CrashBlame, TriesOneAfterTheOtherWhereSeveralGotNoFurther) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(Requests{1, 2, 3}));
  EXPECT_FALSE(blame.engine_died(Requests{1, 2, 3}));
  EXPECT_TRUE(blame.may_run(1));
  EXPECT_FALSE(blame.may_run(2));
  EXPECT_FALSE(blame.may_run(3));
  EXPECT_FALSE(blame.may_run(4)) << "a newcomer would blur what is being found out";
  blame.got_further(1);
  EXPECT_TRUE(blame.may_run(2));
  blame.got_further(2);
  EXPECT_TRUE(blame.may_run(3));
  EXPECT_EQ(blame.engine_died(Requests{1, 2, 3}), 3U);
  EXPECT_TRUE(blame.may_run(4));
}

TEST(CrashBlame, FindsTwoThatAreBothGuilty) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(Requests{1, 2, 3}));
  EXPECT_FALSE(blame.engine_died(Requests{1, 2, 3}));
  EXPECT_EQ(blame.engine_died(Requests{1}), 1U);
  blame.got_further(2);
  EXPECT_EQ(blame.engine_died(Requests{2, 3}), 3U);
  EXPECT_TRUE(blame.may_run(2));
}

TEST(CrashBlame, WhoLeavesIsNotWaitedFor) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(Requests{1, 2}));
  EXPECT_FALSE(blame.engine_died(Requests{1, 2}));
  blame.ended(1);
  EXPECT_TRUE(blame.may_run(2));
  blame.ended(2);
  EXPECT_TRUE(blame.may_run(3));
}

}  // namespace
}  // namespace daemon_gateway
