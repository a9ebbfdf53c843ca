#include "hardening/syscall_rules.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <csignal>
#include <initializer_list>
#include <span>

namespace hardening {
namespace {

constexpr ArgumentCheck masked(unsigned index, std::uint64_t mask, std::uint64_t value) {
  return {index, mask, value};
}
// Arguments that the kernel takes as int: the upper half of the register is not ours to compare.
constexpr ArgumentCheck equals_int(unsigned index, std::uint32_t value) {
  return {index, 0xFFFFFFFF, value};
}

constexpr SyscallRule allow(int number, std::string_view why) {
  return {number, Answer::kAllow, {}, why};
}
constexpr SyscallRule allow_if(int number, ArgumentCheck check, std::string_view why) {
  return {number, Answer::kAllow, check, why};
}
constexpr SyscallRule refuse(int number, std::string_view why) {
  return {number, Answer::kRefuse, {}, why};
}

// What any C++ program calls on its way, whatever it computes.
const SyscallRule kProcess[] = {
    allow(SYS_exit, "a thread ends"),
    allow(SYS_exit_group, "the process ends"),
    allow(SYS_futex, "mutexes, condition variables, joining threads"),
    allow_if(SYS_mmap, masked(2, PROT_EXEC, 0), "malloc and mappings, never executable"),
    allow_if(SYS_mprotect, masked(2, PROT_EXEC, 0),
             "malloc's arenas and thread stacks, never executable"),
    allow(SYS_munmap, "malloc"),
    allow(SYS_mremap, "realloc of large blocks"),
    allow(SYS_brk, "malloc"),
    allow(SYS_madvise, "malloc gives pages back; secrets stay out of core files"),
    allow(SYS_mlock, "base::Secret"),
    allow(SYS_getrandom, "keys, nonces, hash seeds"),
    allow(SYS_clock_gettime, "where the vDSO has no fast path"),
    allow(SYS_clock_nanosleep, "sleeping with a deadline"),
    allow(SYS_sched_yield, "spinning politely"),
    allow(SYS_sched_getaffinity, "malloc counts CPUs once it has many arenas"),
    allow(SYS_restart_syscall, "the kernel resumes an interrupted wait"),
    allow(SYS_rt_sigreturn, "leaving a signal handler"),
    allow(SYS_rt_sigprocmask, "abort() and thread start block signals"),
    allow_if(SYS_rt_sigaction, equals_int(0, SIGABRT), "abort() resets its own handler"),
    allow(SYS_getpid, "abort() and random generators"),
    allow(SYS_gettid, "abort()"),
    allow_if(SYS_tgkill, equals_int(2, SIGABRT),
             "abort(): a failed CHECK ends in SIGABRT, not SIGSYS"),
    allow(SYS_close, "descriptors end"),
};

// The control and data channels, and standard error.
const SyscallRule kChannels[] = {
    allow(SYS_read, "sockets, eventfds"),
    allow(SYS_write, "sockets, eventfds, log lines"),
    allow(SYS_recvmsg, "messages of other roles"),
    allow(SYS_sendmsg, "messages to other roles"),
    allow(SYS_poll, "waiting"),
    allow(SYS_ppoll, "waiting"),
    allow(SYS_epoll_wait, "waiting"),
    allow(SYS_epoll_pwait, "waiting"),
    allow(SYS_epoll_ctl, "waiting for other descriptors"),
};

const SyscallRule kServesConnections[] = {
    allow(SYS_accept4, "new connections"),
    allow(SYS_accept, "new connections, from libraries"),
    allow(SYS_recvfrom, "reading a connection"),
    allow(SYS_sendto, "writing a connection; no socket can be made to send elsewhere"),
    allow(SYS_writev, "writing a connection"),
    allow(SYS_shutdown, "ending a connection"),
    allow(SYS_setsockopt, "TCP_NODELAY"),
    allow(SYS_getsockopt, "what went wrong with a connection"),
    allow(SYS_getsockname, "our address, for the log"),
    allow(SYS_getpeername, "the client's address, for the log"),
    allow(SYS_fcntl, "non-blocking mode"),
};

// glibc, OpenSSL and libstdc++ try these and do without.
const SyscallRule kRefused[] = {
    refuse(SYS_open, "configuration files of libraries"),
    refuse(SYS_openat, "CPU counts in /sys, openssl.cnf, locale files"),
    refuse(SYS_openat2, "a stray open is an error, not a crash"),
    refuse(SYS_access, "configuration files of libraries"),
    refuse(SYS_faccessat, "configuration files of libraries"),
    refuse(SYS_stat, "configuration files of libraries"),
    refuse(SYS_lstat, "configuration files of libraries"),
    refuse(SYS_statx, "configuration files of libraries"),
    refuse(SYS_readlink, "finding out one's own path"),
    refuse(SYS_ioctl, "isatty() of a new logger"),
    refuse(SYS_prlimit64, "sysconf() asks for limits"),
    refuse(SYS_sysinfo, "qsort() asks for the memory size"),
    refuse(SYS_uname, "sysconf()"),
};

// Starting threads. clone3 hides its flags behind a pointer, so glibc is made to fall back to
// clone, whose flags must say "a thread of this process" and nothing about namespaces.
constexpr std::uint64_t kThread = CLONE_VM | CLONE_THREAD;
constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
const SyscallRule kStartsThreads[] = {
    {SYS_clone3, Answer::kAbsent, {}, "glibc falls back to clone"},
    allow_if(SYS_clone, masked(0, kThread | kNamespaces, kThread), "a thread, never a process"),
    allow(SYS_set_robust_list, "thread start"),
    allow(SYS_rseq, "thread start"),
    allow(SYS_sched_setaffinity, "placing threads"),
    allow_if(SYS_prctl, equals_int(0, PR_SET_NAME), "naming threads"),
    allow_if(SYS_prctl, equals_int(0, PR_SET_NO_NEW_PRIVS),
             "libseccomp repeats what is already set"),
    allow(SYS_rt_sigaction, "SIGPIPE is ignored"),
};

// The steps of lock_down() itself.
const SyscallRule kTightens[] = {
    allow(SYS_seccomp, "lock_down() installs the tight list"),
    allow(SYS_prlimit64, "lock_down() forbids threads"),
    allow(SYS_sysinfo, "the memory size"),
    allow(SYS_uname, "sysconf()"),
    allow(SYS_epoll_create1, "the event loop"),
    allow(SYS_eventfd2, "waking the event loop"),
    allow(SYS_fcntl, "non-blocking mode"),
    allow(SYS_lseek, "the configuration's memfd"),
    allow(SYS_fstat, "the configuration's memfd"),
    allow(SYS_newfstatat, "fstat() of newer glibc; Landlock guards paths"),
};

// Beneath the model's directory, which Landlock makes the only place.
const SyscallRule kReadsModel[] = {
    allow(SYS_open, "model files"),
    allow(SYS_openat, "model files"),
    allow(SYS_openat2, "model files, beneath their directory"),
    allow(SYS_pread64, "model files"),
    allow(SYS_readv, "model files"),
    allow(SYS_preadv, "model files"),
    allow(SYS_getdents64, "listing the model's directory"),
    allow(SYS_statx, "sizes of model files"),
    allow(SYS_fadvise64, "reading ahead"),
    allow(SYS_readahead, "reading ahead"),
    allow(SYS_dup, "opendir() on a descriptor"),
    allow(SYS_mbind, "placing weights on NUMA nodes"),
    allow_if(SYS_arch_prctl, equals_int(0, 0x1023),
             "ARCH_REQ_XCOMP_PERM: the tile registers of AMX"),
};

// The first rule for a syscall that has none yet wins, so that a later list cannot loosen or
// contradict an earlier.
std::vector<SyscallRule> join(std::initializer_list<std::span<const SyscallRule>> lists) {
  std::vector<SyscallRule> rules;
  for (const auto list : lists) {
    const std::size_t earlier = rules.size();
    for (const SyscallRule& rule : list) {
      bool listed = false;
      for (std::size_t i = 0; i < earlier; ++i) listed = listed || rules[i].number == rule.number;
      if (!listed) rules.push_back(rule);
    }
  }
  return rules;
}

const SyscallRule kDescriptorFacts[] = {
    allow(SYS_fstat, "sizes of what is open"),
    refuse(SYS_newfstatat, "paths are none of its business"),
};

}  // namespace

std::vector<SyscallRule> gateway_stage_2() {
  return join({kProcess, kChannels, kServesConnections, kDescriptorFacts, kRefused});
}

// Stage 1 may do more with some syscalls than stage 2, so its own lists come first.
std::vector<SyscallRule> gateway_stage_1() {
  return join({kStartsThreads, kTightens, kProcess, kChannels, kServesConnections, kRefused});
}

std::vector<SyscallRule> engine_stage_2() {
  return join({kProcess, kChannels, kDescriptorFacts, kRefused});
}

std::vector<SyscallRule> engine_stage_1() {
  return join({kStartsThreads, kTightens, kReadsModel, kProcess, kChannels, kRefused});
}

}  // namespace hardening
