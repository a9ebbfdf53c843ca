// Compiles a list of syscall rules and puts it in force.
#ifndef HARDENING_SECCOMP_FILTER_H_
#define HARDENING_SECCOMP_FILTER_H_

#include <cstdint>
#include <span>

#include "hardening/base/result.h"
#include "hardening/syscall_rules.h"

namespace hardening {

// On all threads of the process, on top of any list already in force. What is on no rule kills the
// process; so does another architecture's calling convention. Requires no_new_privs. Returns how
// many distinct syscalls are allowed.
base::Result<std::uint32_t> install_seccomp(std::span<const SyscallRule> rules);

}  // namespace hardening

#endif  // HARDENING_SECCOMP_FILTER_H_
