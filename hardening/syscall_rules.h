// Seccomp lists as tables: a syscall, how it is answered, what its arguments must be, and why it is
// there. A syscall on no list, or with other arguments, ends the process.
//
// One rule demands all of its checks; several rules for one syscall are alternatives.
#ifndef HARDENING_SYSCALL_RULES_H_
#define HARDENING_SYSCALL_RULES_H_

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hardening {

enum class Answer : std::uint8_t {
  kAllow,
  kRefuse,  // fails with EACCES: what libraries try in passing and do without
  kAbsent,  // fails with ENOSYS: the library falls back to a call whose arguments can be checked
};

// Holds when (argument[index] & mask) == value; with a mask of 0 it looks at nothing.
struct ArgumentCheck {
  unsigned index = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  bool own_process = false;  // value is the number of the process that installs the list

  bool used() const { return mask != 0; }
  friend bool operator==(const ArgumentCheck&, const ArgumentCheck&) = default;
};

inline constexpr std::size_t kChecksMax = 3;
using ArgumentChecks = std::array<ArgumentCheck, kChecksMax>;

struct SyscallRule {
  int number = -1;
  Answer answer = Answer::kAllow;
  ArgumentChecks checks;
  std::string_view why;  // a literal

  bool checked() const { return checks[0].used(); }
  // Answers the same calls in the same way.
  bool same_as(const SyscallRule& other) const {
    return number == other.number && answer == other.answer && checks == other.checks;
  }
};

using SyscallRules = std::vector<SyscallRule>;

// The lists of the roles. Stage 1 is in force while a role initialises, stage 2 from lock_down()
// on; both bind from then on, so stage 2 can only take away.
SyscallRules gateway_stage_1();
SyscallRules gateway_stage_2();
SyscallRules engine_stage_1();  // computes on the CPU
SyscallRules engine_stage_2();
SyscallRules gpu_engine_stage_1();
SyscallRules gpu_engine_stage_2();
SyscallRules health_stage_1();
SyscallRules health_stage_2();
SyscallRules auditor_stage_1();
SyscallRules auditor_stage_2();
SyscallRules importer_stage_1();
SyscallRules importer_stage_2();

// How many distinct syscalls a list allows.
std::uint32_t count_allowed(const SyscallRules& rules);

}  // namespace hardening

#endif  // HARDENING_SYSCALL_RULES_H_
