#include "daemon/gateway/crash_blame.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace daemon_gateway {
namespace {

// Requests by number: their digests are in the same order.
CrashBlame::Digest request(std::uint8_t number) {
  CrashBlame::Digest digest{};
  digest[0] = std::byte{number};
  return digest;
}

std::vector<CrashBlame::Suspect> requests(std::initializer_list<std::uint8_t> numbers,
                                          std::uint64_t position = 0) {
  std::vector<CrashBlame::Suspect> suspects;
  for (const std::uint8_t number : numbers) suspects.push_back({request(number), position});
  return suspects;
}

TEST(CrashBlame, OneDeathIsAnAccident) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1})));
  EXPECT_TRUE(blame.may_run(request(1)));
  EXPECT_TRUE(blame.may_run(request(2)));
}

TEST(CrashBlame, TwoDeathsWithoutATokenInBetweenAreARequestsOwn) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1})));
  EXPECT_EQ(blame.engine_died(requests({1})), request(1));
  EXPECT_TRUE(blame.may_run(request(2)));
}

TEST(CrashBlame, WhoGetsFurtherIsInnocent) {
  CrashBlame blame;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(blame.engine_died(requests({1, 2, 3})));
    for (const auto number : std::initializer_list<std::uint8_t>{1, 2, 3})
      blame.got_to(request(number), 1);
  }
}

TEST(CrashBlame, WhoAloneGotNoFurtherIsGuilty) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1, 2, 3})));
  blame.got_to(request(1), 1);
  blame.got_to(request(3), 1);
  EXPECT_EQ(blame.engine_died(requests({1, 2, 3})), request(2));
  EXPECT_TRUE(blame.may_run(request(1)));
}

// The third is guilty; all of them die with it before any makes a token.
TEST(CrashBlame, TriesOneAfterTheOtherWhereSeveralGotNoFurther) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1, 2, 3})));
  EXPECT_FALSE(blame.engine_died(requests({1, 2, 3})));
  EXPECT_TRUE(blame.may_run(request(1)));
  EXPECT_FALSE(blame.may_run(request(2)));
  EXPECT_FALSE(blame.may_run(request(3)));
  EXPECT_FALSE(blame.may_run(request(4))) << "a newcomer would blur what is being found out";
  blame.got_to(request(1), 1);
  EXPECT_TRUE(blame.may_run(request(2)));
  blame.got_to(request(2), 1);
  EXPECT_TRUE(blame.may_run(request(3)));
  EXPECT_EQ(blame.engine_died(requests({1, 2, 3})), request(3));
  EXPECT_TRUE(blame.may_run(request(4)));
}

TEST(CrashBlame, FindsTwoThatAreBothGuilty) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1, 2, 3})));
  EXPECT_FALSE(blame.engine_died(requests({1, 2, 3})));
  EXPECT_EQ(blame.engine_died(requests({1})), request(1));
  blame.got_to(request(2), 1);
  EXPECT_EQ(blame.engine_died(requests({2, 3})), request(3));
  EXPECT_TRUE(blame.may_run(request(2)));
}

TEST(CrashBlame, WhoLeavesIsNotWaitedFor) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1, 2})));
  EXPECT_FALSE(blame.engine_died(requests({1, 2})));
  blame.abandoned(request(1));
  EXPECT_TRUE(blame.may_run(request(2)));
  blame.abandoned(request(2));
  EXPECT_TRUE(blame.may_run(request(3)));
}

TEST(CrashBlame, ComingAsFarAsLastTimeIsNotFurther) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1}, 5)));
  blame.got_to(request(1), 5);
  EXPECT_EQ(blame.engine_died(requests({1}, 5)), request(1));
  EXPECT_FALSE(blame.engine_died(requests({1}, 5)));
  blame.got_to(request(1), 6);
  EXPECT_FALSE(blame.engine_died(requests({1}, 6)));
}

TEST(CrashBlame, WhoComesAgainAfterItsClientLeftIsKnown) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1})));
  blame.abandoned(request(1));
  EXPECT_EQ(blame.engine_died(requests({1})), request(1));
}

TEST(CrashBlame, TwoOfAKindInOneEngineAreOneDeath) {
  CrashBlame blame;
  EXPECT_FALSE(blame.engine_died(requests({1, 1})));
  EXPECT_EQ(blame.engine_died(requests({1, 1})), request(1));
}

}  // namespace
}  // namespace daemon_gateway
