// Rule by rule: what a list allows works, what it refuses fails as stated, and every other syscall
// ends the process.
#include "hardening/seccomp_filter.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <set>

#include "hardening/build_kind.h"
#include "tests/hardening/child_process.h"

namespace hardening {
namespace {

constexpr int kSyscallNumbersMax = 462;  // beyond: not implemented by the oldest kernel we run on

// All arguments are such that nothing happens: descriptors and pointers that do not exist.
struct Arguments {
  long values[6] = {-1, -1, -1, -1, -1, -1};
};

Ending call_under(const std::vector<SyscallRule>& rules, long number, Arguments arguments = {}) {
  return in_child([&] {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !install_seccomp(rules).ok())
      return kSetupFailed;
    const auto& a = arguments.values;
    errno = 0;
    ::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return errno;
  });
}

// uretprobe and uprobe: trampolines of the kernel's own tracing, which newer kernels let past every
// filter. Called from anywhere else they do nothing but fail.
bool is_exempt(int number) {
  return number == 335 || number == 336;
}

// They end, block or jump when called with senseless arguments.
bool can_be_probed(int number) {
  const std::set<int> cannot = {SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall};
  return !cannot.contains(number);
}

class SeccompLists : public testing::TestWithParam<std::vector<SyscallRule> (*)()> {
 protected:
  void SetUp() override {
    if (kSanitizerBuild) GTEST_SKIP() << "sanitizers make syscalls of their own";
  }
};

TEST_P(SeccompLists, AllowWhatTheyAllow) {
  const auto rules = GetParam()();
  for (const SyscallRule& rule : rules) {
    if (rule.answer != Answer::kAllow || !can_be_probed(rule.number)) continue;
    Arguments arguments;
    if (rule.check.index != kNoCheck)
      arguments.values[rule.check.index] = static_cast<long>(rule.check.value);
    if (rule.number == SYS_clone) continue;  // would start a thread on a senseless stack
    const Ending ending = call_under(rules, rule.number, arguments);
    EXPECT_EQ(ending.signal, 0) << "syscall " << rule.number;
    EXPECT_NE(ending.exit_status, kSetupFailed);
  }
}

TEST_P(SeccompLists, CheckTheArgumentsTheySayTheyCheck) {
  const auto rules = GetParam()();
  for (const SyscallRule& rule : rules) {
    if (rule.check.index == kNoCheck) continue;
    // Every bit the rule looks at, the other way round.
    Arguments arguments;
    arguments.values[rule.check.index] = static_cast<long>(rule.check.value ^ rule.check.mask);
    EXPECT_EQ(call_under(rules, rule.number, arguments), killed_by(SIGSYS))
        << "syscall " << rule.number;
  }
}

TEST_P(SeccompLists, RefuseWithTheErrorTheyState) {
  const auto rules = GetParam()();
  for (const SyscallRule& rule : rules) {
    if (rule.answer == Answer::kAllow) continue;
    const int stated = rule.answer == Answer::kRefuse ? EACCES : ENOSYS;
    EXPECT_EQ(call_under(rules, rule.number), exited(stated)) << rule.number;
  }
}

TEST_P(SeccompLists, KillForEveryOtherSyscall) {
  const auto rules = GetParam()();
  std::set<int> listed;
  for (const SyscallRule& rule : rules) listed.insert(rule.number);
  for (int number = 0; number < kSyscallNumbersMax; ++number) {
    if (listed.contains(number) || is_exempt(number)) continue;
    EXPECT_EQ(call_under(rules, number), killed_by(SIGSYS)) << "syscall " << number;
  }
}

INSTANTIATE_TEST_SUITE_P(Tight, SeccompLists, testing::Values(&gateway_stage_2, &engine_stage_2));

class FirstSeccompLists : public SeccompLists {};

TEST_P(FirstSeccompLists, RefuseWithTheErrorTheyState) {
  const auto rules = GetParam()();
  EXPECT_EQ(call_under(rules, SYS_clone3), exited(ENOSYS));
  EXPECT_EQ(call_under(rules, SYS_ioctl), exited(EACCES));
}

TEST_P(FirstSeccompLists, LetNoProcessBeStarted) {
  const auto rules = GetParam()();
  Arguments fork_arguments{{SIGCHLD, 0, 0, 0, 0, 0}};
  EXPECT_EQ(call_under(rules, SYS_clone, fork_arguments), killed_by(SIGSYS));
  EXPECT_EQ(call_under(rules, SYS_execve), killed_by(SIGSYS));
  EXPECT_EQ(call_under(rules, SYS_vfork), killed_by(SIGSYS));
}

INSTANTIATE_TEST_SUITE_P(Loading, FirstSeccompLists,
                         testing::Values(&gateway_stage_1, &engine_stage_1));

TEST(SeccompFilter, NeedsNoNewPrivsOrPrivileges) {
  if (kSanitizerBuild) GTEST_SKIP() << "sanitizers make syscalls of their own";
  // libseccomp sets no_new_privs itself, so that a filter can never be installed without it.
  EXPECT_EQ(in_child([] {
              if (!install_seccomp(gateway_stage_1()).ok()) return kSetupFailed;
              return ::prctl(PR_SET_NAME, "x", 0, 0, 0);
            }),
            exited(0));
}

TEST(SeccompFilter, CountsDistinctSyscalls) {
  if (kSanitizerBuild) GTEST_SKIP() << "sanitizers make syscalls of their own";
  EXPECT_EQ(in_child([] {
              std::vector<SyscallRule> rules = gateway_stage_1();
              std::set<int> distinct;
              for (const SyscallRule& rule : rules) {
                if (rule.answer == Answer::kAllow) distinct.insert(rule.number);
              }
              const auto count = install_seccomp(rules);
              return count.ok() && count.value() == distinct.size() ? 0 : 1;
            }),
            exited(0));
}

}  // namespace
}  // namespace hardening
