// How a role gives up what it does not need, in two stages.
//
//   stage 1  enter(policy)   first thing in the role, single-threaded, before any outside byte is
//                            read: descriptors, rlimits, namespaces, an empty root, user,
//                            capabilities, Landlock, and a first seccomp list
//   stage 2  lock_down()     when the role is initialised (threads started, model loaded): the
//                            tight seccomp list, on all threads
//
// A step the kernel or our privileges do not allow is recorded in the report; a step that should
// have worked and failed is an Error, on which the role ends: it never runs half-open without
// saying so.
#ifndef HARDENING_SANDBOX_H_
#define HARDENING_SANDBOX_H_

#include "hardening/base/result.h"
#include "hardening/policy.h"
#include "hardening/sandbox_report.h"

namespace hardening {

class Sandbox {
 public:
  // Requires a single-threaded process. What was given up stays given up when this fails.
  static base::Result<Sandbox> enter(const Policy& policy);

  // Any thread, once. Afterwards a syscall outside the list ends the process with SIGSYS, or fails
  // with the errno that SANDBOX.md states.
  base::Status lock_down();

  // What has been reached so far; complete after lock_down().
  const SandboxReport& report() const { return report_; }

 private:
  explicit Sandbox(const Policy& policy) : policy_(policy) {}

  base::Status limit_resources();
  base::Status separate();
  base::Status become_user(bool exists);
  void empty_root(bool own_mounts);
  base::Status give_up_privileges();
  base::Status restrict_files();
  base::Status restrict_syscalls(const SyscallRules& rules);
  void skip(std::string_view step, std::string_view why);

  Policy policy_;
  SandboxReport report_;
};

}  // namespace hardening

#endif  // HARDENING_SANDBOX_H_
