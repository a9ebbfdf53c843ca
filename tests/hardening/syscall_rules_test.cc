#include "hardening/syscall_rules.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <map>
#include <set>

namespace hardening {
namespace {

struct NamedList {
  const char* name;
  std::vector<SyscallRule> rules;
};

std::vector<NamedList> all_lists() {
  return {{"gateway 1", gateway_stage_1()},
          {"gateway 2", gateway_stage_2()},
          {"engine 1", engine_stage_1()},
          {"engine 2", engine_stage_2()}};
}

std::set<int> allowed(const std::vector<SyscallRule>& rules) {
  std::set<int> numbers;
  for (const SyscallRule& rule : rules) {
    if (rule.answer == Answer::kAllow) numbers.insert(rule.number);
  }
  return numbers;
}

TEST(SyscallRules, EachSaysWhyItIsThere) {
  for (const auto& list : all_lists()) {
    for (const SyscallRule& rule : list.rules)
      EXPECT_FALSE(rule.why.empty()) << list.name << " " << rule.number;
  }
}

// Two rules for one syscall are alternatives; a condition beside an unconditional rule would mean
// nothing.
TEST(SyscallRules, DoNotContradictEachOther) {
  for (const auto& list : all_lists()) {
    std::map<int, std::vector<SyscallRule>> by_number;
    for (const SyscallRule& rule : list.rules) by_number[rule.number].push_back(rule);
    for (const auto& [number, rules] : by_number) {
      if (rules.size() == 1) continue;
      for (const SyscallRule& rule : rules) {
        EXPECT_NE(rule.check.index, kNoCheck) << list.name << " " << number;
        EXPECT_EQ(rule.answer, Answer::kAllow) << list.name << " " << number;
      }
    }
  }
}

// Syscalls that no role has any business with, at any stage.
TEST(SyscallRules, NeverAllowTheDangerousOnes) {
  const std::set<int> dangerous = {SYS_execve,
                                   SYS_execveat,
                                   SYS_fork,
                                   SYS_vfork,
                                   SYS_ptrace,
                                   SYS_process_vm_readv,
                                   SYS_process_vm_writev,
                                   SYS_socket,
                                   SYS_socketpair,
                                   SYS_connect,
                                   SYS_bind,
                                   SYS_listen,
                                   SYS_mount,
                                   SYS_umount2,
                                   SYS_unshare,
                                   SYS_setns,
                                   SYS_kill,
                                   SYS_tkill,
                                   SYS_bpf,
                                   SYS_io_uring_setup,
                                   SYS_userfaultfd,
                                   SYS_perf_event_open,
                                   SYS_keyctl,
                                   SYS_add_key,
                                   SYS_request_key,
                                   SYS_memfd_create,
                                   SYS_pidfd_open,
                                   SYS_pidfd_getfd,
                                   SYS_setuid,
                                   SYS_setresuid,
                                   SYS_chroot,
                                   SYS_init_module,
                                   SYS_finit_module,
                                   SYS_kexec_load,
                                   SYS_open_by_handle_at,
                                   SYS_personality,
                                   SYS_modify_ldt};
  for (const auto& list : all_lists()) {
    for (const int number : allowed(list.rules))
      EXPECT_FALSE(dangerous.contains(number)) << list.name << " " << number;
  }
}

TEST(SyscallRules, LockedDownRolesCannotOpenWriteOrStartAnything) {
  for (const auto& rules : {gateway_stage_2(), engine_stage_2()}) {
    const auto numbers = allowed(rules);
    for (const int number :
         {SYS_open, SYS_openat, SYS_openat2, SYS_creat, SYS_clone, SYS_clone3, SYS_unlink,
          SYS_rename, SYS_seccomp, SYS_prctl, SYS_ioctl, SYS_getdents64}) {
      EXPECT_FALSE(numbers.contains(number)) << number;
    }
  }
}

TEST(SyscallRules, LockingDownAddsNothing) {
  for (const auto& [one, two] : {std::pair{gateway_stage_1(), gateway_stage_2()},
                                 std::pair{engine_stage_1(), engine_stage_2()}}) {
    const auto before = allowed(one);
    for (const int number : allowed(two)) EXPECT_TRUE(before.contains(number)) << number;
  }
}

TEST(SyscallRules, TheEngineHasNoBusinessWithConnections) {
  const auto numbers = allowed(engine_stage_2());
  for (const int number : {SYS_accept, SYS_accept4, SYS_sendto, SYS_recvfrom, SYS_setsockopt}) {
    EXPECT_FALSE(numbers.contains(number)) << number;
  }
}

TEST(SyscallRules, StayWithinTheirBudgets) {
  EXPECT_LE(allowed(gateway_stage_2()).size(), 50u);
  EXPECT_LE(allowed(engine_stage_2()).size(), 40u);
}

}  // namespace
}  // namespace hardening
