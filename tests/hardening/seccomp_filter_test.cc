// Rule by rule: what a list allows works, what it refuses fails as stated, and everything else ends
// the process.
#include "hardening/seccomp_filter.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <set>

#include "hardening/build_kind.h"
#include "tests/hardening/child_process.h"
#include "tests/hardening/roles.h"

namespace hardening {
namespace {

constexpr int kSyscallNumbersMax = 470;  // beyond: newer than the newest kernel we know

// By habit such that nothing happens: descriptors and pointers that do not exist.
using Arguments = std::array<std::uint64_t, 6>;
constexpr std::uint64_t kNothing = ~std::uint64_t{0};
constexpr Arguments kNone{kNothing, kNothing, kNothing, kNothing, kNothing, kNothing};
// Stands for the number of the process that makes the call.
constexpr std::uint64_t kOwnProcess = 0x5e1f0000;

Ending call_under(const SyscallRules& rules, long number, const Arguments& arguments = kNone) {
  return in_child([&] {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !install_seccomp(rules).ok())
      return kSetupFailed;
    Arguments a = arguments;
    for (std::uint64_t& argument : a) {
      if (argument == kOwnProcess) argument = static_cast<std::uint64_t>(::getpid());
    }
    errno = 0;
    ::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return errno;
  });
}

bool holds(const ArgumentCheck& check, const Arguments& arguments) {
  const std::uint64_t wanted = check.own_process ? kOwnProcess : check.value;
  return (arguments[check.index] & check.mask) == wanted;
}

// What the table says, read without the filter that is made of it; empty: the process ends.
std::optional<Answer> answer_of(const SyscallRules& rules, int number, const Arguments& arguments) {
  for (const SyscallRule& rule : rules) {
    bool all = rule.number == number;
    for (const ArgumentCheck& check : rule.checks) all = all && holds(check, arguments);
    if (all) return rule.answer;
  }
  return std::nullopt;
}

Arguments satisfying(const SyscallRule& rule) {
  Arguments arguments = kNone;
  for (const ArgumentCheck& check : rule.checks) {
    if (check.used()) arguments[check.index] = check.own_process ? kOwnProcess : check.value;
  }
  return arguments;
}

// Arguments that miss one check of the rule: every bit it looks at inverted, then each alone.
std::vector<Arguments> altered(const SyscallRule& rule) {
  std::vector<Arguments> all;
  for (const ArgumentCheck& check : rule.checks) {
    if (!check.used()) continue;
    Arguments arguments = satisfying(rule);
    arguments[check.index] ^= check.mask;
    all.push_back(arguments);
    for (int bit = 0; bit < 16; ++bit) {
      const std::uint64_t one = std::uint64_t{1} << bit;
      if ((check.mask & one) == 0) continue;
      arguments = satisfying(rule);
      arguments[check.index] ^= one;
      all.push_back(arguments);
    }
  }
  return all;
}

// uretprobe and uprobe: trampolines of the kernel's own tracing, which newer kernels let past every
// filter. Called from anywhere else they do nothing but fail.
bool is_exempt(int number) {
  return number == 335 || number == 336;
}

// They end, block, jump or start a thread on a stack that is none.
bool can_be_probed(int number) {
  const std::set<int> cannot = {SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall,
                                SYS_clone};
  return !cannot.contains(number);
}

class SeccompLists : public testing::TestWithParam<NamedList> {
 protected:
  void SetUp() override {
    if (kSanitizerBuild) GTEST_SKIP() << "sanitizers make syscalls of their own";
  }
  void report(const char* what, std::size_t count) const {
    std::printf("count: %s: %zu %s\n", GetParam().name.c_str(), count, what);
  }
};

TEST_P(SeccompLists, AllowWhatTheyAllow) {
  std::size_t tried = 0;
  for (const SyscallRule& rule : GetParam().rules) {
    if (rule.answer != Answer::kAllow || !can_be_probed(rule.number)) continue;
    const Ending ending = call_under(GetParam().rules, rule.number, satisfying(rule));
    EXPECT_EQ(ending.signal, 0) << "syscall " << rule.number << ": " << rule.why;
    EXPECT_NE(ending, exited(EACCES)) << "syscall " << rule.number;
    EXPECT_NE(ending, exited(kSetupFailed));
    ++tried;
  }
  report("rules allow what they state", tried);
}

TEST_P(SeccompLists, KillForOtherArguments) {
  std::size_t tried = 0;
  for (const SyscallRule& rule : GetParam().rules) {
    bool killed = !rule.checked();
    for (const Arguments& arguments : altered(rule)) {
      if (answer_of(GetParam().rules, rule.number, arguments)) continue;  // another rule's call
      EXPECT_EQ(call_under(GetParam().rules, rule.number, arguments), killed_by(SIGSYS))
          << "syscall " << rule.number << ": " << rule.why;
      killed = true;
      ++tried;
    }
    EXPECT_TRUE(killed) << "syscall " << rule.number << ": checks nothing: " << rule.why;
  }
  report("calls with altered arguments killed", tried);
}

TEST_P(SeccompLists, RefuseWithTheErrorTheyState) {
  for (const SyscallRule& rule : GetParam().rules) {
    if (rule.answer == Answer::kAllow) continue;
    const int stated = rule.answer == Answer::kRefuse ? EACCES : ENOSYS;
    EXPECT_EQ(call_under(GetParam().rules, rule.number, satisfying(rule)), exited(stated))
        << rule.number;
  }
}

TEST_P(SeccompLists, KillForEveryOtherSyscall) {
  std::set<int> listed;
  for (const SyscallRule& rule : GetParam().rules) listed.insert(rule.number);
  std::size_t tried = 0;
  for (int number = 0; number < kSyscallNumbersMax; ++number) {
    if (listed.contains(number) || is_exempt(number)) continue;
    EXPECT_EQ(call_under(GetParam().rules, number), killed_by(SIGSYS)) << "syscall " << number;
    ++tried;
  }
  report("other syscalls killed", tried);
}

std::string test_name(const testing::TestParamInfo<NamedList>& info) {
  std::string name;
  for (const char c : info.param.name) name += c == ' ' || c == '-' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Loading, SeccompLists, testing::ValuesIn(lists_of(Stage::kLoading)),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Tight, SeccompLists, testing::ValuesIn(lists_of(Stage::kLockedDown)),
                         test_name);

TEST(SeccompFilter, NeedsNoNewPrivsOrPrivileges) {
  if (kSanitizerBuild) GTEST_SKIP() << "sanitizers make syscalls of their own";
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  EXPECT_EQ(in_child([] {
              if (::setresuid(64'801, 64'801, 64'801) != 0) return kSetupFailed;
              return install_seccomp(gateway_stage_1()).ok() ? 1 : 0;
            }),
            exited(0));
}

TEST(SeccompFilter, CountsDistinctSyscalls) {
  if (kSanitizerBuild) GTEST_SKIP() << "sanitizers make syscalls of their own";
  EXPECT_EQ(in_child([] {
              if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return kSetupFailed;
              const SyscallRules rules = gateway_stage_1();
              const auto count = install_seccomp(rules);
              return count.ok() && count.value() == count_allowed(rules) ? 0 : 1;
            }),
            exited(0));
}

}  // namespace
}  // namespace hardening
