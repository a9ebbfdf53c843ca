#include "hardening/rule_parts.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <csignal>
#include <set>

namespace hardening {
namespace {

constexpr std::uint32_t kReadWrite = PROT_READ | PROT_WRITE;
constexpr std::uint32_t kPrivateMemory = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr std::uint32_t kDroppable = 0x08;  // MAP_DROPPABLE of Linux 6.11
constexpr std::uint32_t kFutexFlags = FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME;

const SyscallRule kMemory[] = {
    allow(SYS_mmap, {bits(2, 0, kReadWrite), bits(3, kPrivateMemory, MAP_NORESERVE | MAP_STACK)},
          "malloc: memory of its own, never executable, never at a chosen address"),
    allow(SYS_mmap, {equals(2, kReadWrite), equals(3, kDroppable | MAP_ANONYMOUS)},
          "getrandom() of glibc 2.41, which asks the vDSO"),
    allow(SYS_munmap, "malloc gives large blocks back"),
    allow(SYS_brk, "malloc's first arena"),
};

const SyscallRule kSharing[] = {
    allow(SYS_futex, {bits(1, FUTEX_WAIT, kFutexFlags)}, "locks"),
    allow(SYS_futex, {bits(1, FUTEX_WAKE, kFutexFlags)}, "locks"),
    allow(SYS_futex, {bits(1, FUTEX_WAIT_BITSET, kFutexFlags)},
          "condition variables, waiting with a deadline, joining threads"),
    allow(SYS_mprotect, {bits(2, 0, kReadWrite)}, "malloc's other arenas, never executable"),
};

const SyscallRule kThreadEnds[] = {
    allow(SYS_madvise, {equals(2, MADV_DONTNEED)}, "the stack of a thread that ended"),
    allow(SYS_exit, "a thread ends"),
};

const SyscallRule kEnding[] = {
    allow(SYS_exit_group, "the process ends; the crash report's last step"),
    allow(SYS_rt_sigprocmask, "abort() unblocks SIGABRT; a thread that ends blocks all"),
    allow(SYS_getpid, "abort(); OpenSSL's random generator asks whether it was forked"),
    allow(SYS_gettid, "abort()"),
    allow(SYS_tgkill, {own_process(0), equals(2, SIGABRT)},
          "abort(): a failed CHECK ends in SIGABRT, a forbidden syscall in SIGSYS"),
    allow(SYS_restart_syscall, "the kernel resumes a wait after SIGSTOP and SIGCONT"),
    allow(SYS_clock_gettime, {bits(0, 0, 7)},
          "this machine's clocks, where the vDSO has no fast path"),
};

const SyscallRule kChannels[] = {
    allow(SYS_recvmsg, {equals(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)}, "messages of other roles"),
    allow(SYS_sendmsg, {equals(2, MSG_DONTWAIT | MSG_NOSIGNAL)}, "messages to other roles"),
    allow(SYS_write, "log lines, the crash report; sockets, eventfds"),
    allow(SYS_close, "descriptors end"),
};

// glibc 2.33 to 2.38 turn fstat() into newfstatat() of an empty path, others call it by its name.
const SyscallRule kFileFacts[] = {
    allow(SYS_newfstatat, {equals(3, AT_EMPTY_PATH)}, "the size of a file that is open"),
    allow(SYS_fstat, "the same, by another glibc"),
};

const SyscallRule kRefused[] = {
    refuse(SYS_open, "configuration files of libraries"),
    refuse(SYS_openat, "CPU counts in /sys, openssl.cnf, locale files"),
    refuse(SYS_openat2, "a stray open is an error, not a crash"),
    refuse(SYS_access, "configuration files of libraries"),
    refuse(SYS_faccessat, "configuration files of libraries"),
    refuse(SYS_stat, "configuration files of libraries"),
    refuse(SYS_lstat, "configuration files of libraries"),
    refuse(SYS_statx, "configuration files of libraries"),
    refuse(SYS_newfstatat, {equals(3, 0)}, "stat() of newer glibc"),
    refuse(SYS_newfstatat, {equals(3, AT_SYMLINK_NOFOLLOW)}, "lstat() of newer glibc"),
    refuse(SYS_readlink, "finding out one's own path"),
    refuse(SYS_mremap, "realloc() of a large block, which then copies it"),
    refuse(SYS_ioctl, "isatty() of a new logger"),
    refuse(SYS_prlimit64, "sysconf() asks for limits"),
    refuse(SYS_sysinfo, "qsort() asks for the memory size"),
    refuse(SYS_uname, "sysconf()"),
    refuse(SYS_sched_getaffinity, "malloc counts CPUs once it has many arenas"),
};

// clone3 hides its flags behind a pointer, so glibc is made to fall back to clone, whose flags must
// be those of a thread of this process, and no other.
constexpr std::uint32_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                  CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                  CLONE_CHILD_CLEARTID;
constexpr std::uint32_t kSigSetXid = 33;  // glibc's own, between its signals and SIGRTMIN
const SyscallRule kStartsThreads[] = {
    {SYS_clone3, Answer::kAbsent, {}, "glibc falls back to clone"},
    allow(SYS_clone, {equals(0, kThread)}, "a thread, never a process"),
    allow(SYS_set_robust_list, "thread start"),
    allow(SYS_rseq, "thread start"),
    allow(SYS_rt_sigaction, {equals(0, kSigSetXid)}, "glibc prepares for threads"),
};

constexpr std::uint32_t kSeccompFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
const SyscallRule kTightens[] = {
    allow(SYS_seccomp, {equals(0, SECCOMP_SET_MODE_FILTER), bits(1, 0, kSeccompFlags)},
          "lock_down() adds the tight list"),
    allow(SYS_prlimit64, {equals(0, 0), null(2)}, "sysconf() and thread start ask for limits"),
    allow(SYS_prlimit64, {equals(0, 0), equals(1, RLIMIT_NPROC)}, "lock_down() forbids threads"),
    allow(SYS_getrandom, {bits(2, 0, GRND_NONBLOCK)}, "seeds of libraries that start"),
    allow(SYS_read, "the configuration's memfd"),
};

}  // namespace

RuleGroup memory_rules() {
  return kMemory;
}
RuleGroup sharing_rules() {
  return kSharing;
}
RuleGroup thread_end_rules() {
  return kThreadEnds;
}
RuleGroup ending_rules() {
  return kEnding;
}
RuleGroup channel_rules() {
  return kChannels;
}
RuleGroup file_fact_rules() {
  return kFileFacts;
}
RuleGroup refused_rules() {
  return kRefused;
}
RuleGroup start_thread_rules() {
  return kStartsThreads;
}
RuleGroup tighten_rules() {
  return kTightens;
}

SyscallRules join(std::initializer_list<RuleGroup> groups) {
  SyscallRules rules;
  for (const RuleGroup group : groups) {
    for (const SyscallRule& rule : group) {
      const bool known = std::any_of(rules.begin(), rules.end(), [&](const SyscallRule& earlier) {
        return earlier.same_as(rule);
      });
      if (!known) rules.push_back(rule);
    }
  }
  std::set<int> allowed;
  SyscallRules allowing;
  for (const SyscallRule& rule : rules) {
    if (rule.answer != Answer::kAllow) continue;
    allowed.insert(rule.number);
    allowing.push_back(rule);
  }
  std::erase_if(rules, [&](const SyscallRule& rule) {
    if (rule.answer != Answer::kRefuse) return false;
    if (!rule.checked()) return allowed.contains(rule.number);
    return std::any_of(allowing.begin(), allowing.end(), [&](const SyscallRule& other) {
      return other.number == rule.number && other.checks == rule.checks;
    });
  });
  return rules;
}

std::uint32_t count_allowed(const SyscallRules& rules) {
  std::set<int> allowed;
  for (const SyscallRule& rule : rules) {
    if (rule.answer == Answer::kAllow) allowed.insert(rule.number);
  }
  return static_cast<std::uint32_t>(allowed.size());
}

}  // namespace hardening
