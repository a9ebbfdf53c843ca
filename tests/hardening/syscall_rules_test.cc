#include "hardening/syscall_rules.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cstdio>
#include <map>
#include <set>

#include "tests/hardening/roles.h"

namespace hardening {
namespace {

std::set<int> allowed(const SyscallRules& rules) {
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
// nothing, and the same rule twice says that somebody did not look.
TEST(SyscallRules, DoNotContradictEachOther) {
  for (const auto& list : all_lists()) {
    std::map<int, SyscallRules> by_number;
    for (const SyscallRule& rule : list.rules) by_number[rule.number].push_back(rule);
    for (const auto& [number, rules] : by_number) {
      for (std::size_t i = 0; i < rules.size(); ++i) {
        EXPECT_TRUE(rules.size() == 1 || rules[i].checked()) << list.name << " " << number;
        for (std::size_t j = 0; j < i; ++j)
          EXPECT_FALSE(rules[i].same_as(rules[j])) << list.name << " " << number;
      }
    }
  }
}

TEST(SyscallRules, CheckEachArgumentOnce) {
  for (const auto& list : all_lists()) {
    for (const SyscallRule& rule : list.rules) {
      std::set<unsigned> indices;
      for (const ArgumentCheck& check : rule.checks) {
        if (!check.used()) continue;
        EXPECT_TRUE(indices.insert(check.index).second) << list.name << " " << rule.number;
        EXPECT_EQ(check.value & ~check.mask, 0u) << list.name << " " << rule.number;
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

TEST(SyscallRules, LockedDownRolesCannotStartOrLoosenAnything) {
  for (const auto& list : lists_of(Stage::kLockedDown)) {
    const auto numbers = allowed(list.rules);
    for (const int number : {SYS_open, SYS_openat2, SYS_creat, SYS_clone, SYS_clone3, SYS_unlink,
                             SYS_seccomp, SYS_getdents64, SYS_rt_sigaction, SYS_prlimit64}) {
      EXPECT_FALSE(numbers.contains(number)) << list.name << " " << number;
    }
  }
}

TEST(SyscallRules, OnlyTheRecordersOpenOrRenameFiles) {
  for (const auto& rules : {gateway_stage_2(), engine_stage_2(), gpu_engine_stage_2()}) {
    for (const int number : {SYS_openat, SYS_rename, SYS_renameat, SYS_mkdirat, SYS_fsync,
                             SYS_unlinkat, SYS_fallocate})
      EXPECT_FALSE(allowed(rules).contains(number)) << number;
  }
}

TEST(SyscallRules, OnlyThoseWhoMeetAGpuTalkToDevices) {
  for (const auto& list : all_lists()) {
    const bool gpu = list.name.starts_with("gpu") || list.name.starts_with("health");
    EXPECT_EQ(allowed(list.rules).contains(SYS_ioctl), gpu) << list.name;
  }
}

// Every call that stage 2 allows, stage 1 must let through: both lists are asked.
TEST(SyscallRules, LockingDownAddsNothing) {
  const auto before = lists_of(Stage::kLoading);
  const auto after = lists_of(Stage::kLockedDown);
  for (std::size_t i = 0; i < after.size(); ++i) {
    for (const SyscallRule& rule : after[i].rules) {
      if (rule.answer != Answer::kAllow) continue;
      bool found = false;
      for (const SyscallRule& earlier : before[i].rules)
        found = found ||
                (earlier.number == rule.number && (earlier.same_as(rule) || !earlier.checked()));
      EXPECT_TRUE(found) << after[i].name << " " << rule.number << ": " << rule.why;
    }
  }
}

TEST(SyscallRules, NoEngineHasBusinessWithConnections) {
  for (const auto& rules : {engine_stage_2(), gpu_engine_stage_2()}) {
    for (const int number : {SYS_accept, SYS_accept4, SYS_sendto, SYS_recvfrom, SYS_setsockopt})
      EXPECT_FALSE(allowed(rules).contains(number)) << number;
  }
}

TEST(SyscallRules, StayWithinTheirBudgets) {
  EXPECT_LE(count_allowed(gateway_stage_2()), 30u);
  EXPECT_LE(count_allowed(engine_stage_2()), 40u);
  EXPECT_LE(count_allowed(gpu_engine_stage_2()), 70u);
  EXPECT_LE(count_allowed(health_stage_2()), 50u);
  EXPECT_LE(count_allowed(auditor_stage_2()), 25u);
  EXPECT_LE(count_allowed(importer_stage_2()), 25u);
  for (const auto& list : all_lists()) {
    std::printf("count: %s: %u syscalls allowed, %zu rules\n", list.name.c_str(),
                count_allowed(list.rules), list.rules.size());
  }
}

}  // namespace
}  // namespace hardening
