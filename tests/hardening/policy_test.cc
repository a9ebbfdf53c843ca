#include "hardening/policy.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <type_traits>

#include "hardening/build_kind.h"
#include "hardening/sandbox.h"
#include "tests/hardening/child_process.h"
#include "tests/hardening/roles.h"

namespace hardening {
namespace {

// What the compiler holds: nobody makes a policy or a token of his own.
static_assert(!std::is_default_constructible_v<Policy>);
static_assert(!std::is_constructible_v<Policy, PolicyFacts>);
static_assert(!std::is_default_constructible_v<Loosening>);
static_assert(!std::is_constructible_v<Loosening, StepSet, SyscallRules, std::string_view>);
static_assert(std::is_same_v<decltype(std::declval<Policy&>().facts()), const PolicyFacts&>);

TEST(Policy, IsAsTightAsItsFactoryMadeIt) {
  for (const Policy& policy : all_policies()) {
    EXPECT_TRUE(policy.loosened_texts().empty()) << policy.facts().role;
    EXPECT_FALSE(policy.facts().stage_1.empty()) << policy.facts().role;
    EXPECT_FALSE(policy.facts().stage_2.empty()) << policy.facts().role;
    for (const Step step : {Step::kEmptyRoot, Step::kNotDumpable, Step::kLandlock,
                            Step::kThreadLimit, Step::kSeccomp})
      EXPECT_FALSE(policy.skips(step)) << policy.facts().role;
  }
}

TEST(Policy, CanBeMadeTighterByAnyone) {
  const Policy policy = gateway_policy(kNobody, 3, 64);
  const Policy tighter = policy.without_rule(Stage::kLockedDown, 2);
  EXPECT_EQ(tighter.facts().stage_2.size(), policy.facts().stage_2.size() - 1);
  EXPECT_EQ(tighter.facts().stage_1.size(), policy.facts().stage_1.size());
  EXPECT_TRUE(tighter.facts().stage_2[2].same_as(policy.facts().stage_2[3]));
  EXPECT_TRUE(tighter.loosened_texts().empty());
}

TEST(Policy, ALoosenedOneSaysSoInTheReport) {
  if (kSanitizerBuild) GTEST_SKIP() << "sanitizer builds run without seccomp";
  SyscallRule personality;
  personality.number = SYS_personality;
  personality.why = "a test";
  const Policy looser =
      gateway_policy(kNobody, 3, 64).loosened(Loosening::for_probe({personality}));
  ASSERT_EQ(looser.loosened_texts().size(), 1u);
  EXPECT_EQ(looser.loosened_texts()[0], "syscall 135: a probe of the tests");
  EXPECT_EQ(in_child([&] {
              auto sandbox = Sandbox::enter(looser);
              if (!sandbox.ok() || !sandbox.value().lock_down().ok()) return kSetupFailed;
              if (sandbox.value().report().loosened != looser.loosened_texts()) return 1;
              return ::syscall(SYS_personality, 0xFFFFFFFF) >= 0 ? 0 : 2;
            }),
            exited(0));
}

}  // namespace
}  // namespace hardening
