// Seccomp lists as tables: a syscall, how it is answered, the condition on its arguments, and why
// it is there. A syscall on no list ends the process.
#ifndef HARDENING_SYSCALL_RULES_H_
#define HARDENING_SYSCALL_RULES_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace hardening {

enum class Answer : std::uint8_t {
  kAllow,
  kRefuse,  // fails with EACCES: what libraries try in passing and do without
  kAbsent,  // fails with ENOSYS: the library falls back to a call whose arguments can be checked
};

inline constexpr unsigned kNoCheck = 6;

// Holds when (argument[index] & mask) == value; kNoCheck always does.
struct ArgumentCheck {
  unsigned index = kNoCheck;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
};

struct SyscallRule {
  int number = -1;
  Answer answer = Answer::kAllow;
  ArgumentCheck check;
  std::string_view why;  // a literal
};

// The lists of the roles. Stage 1 is in force while a role initialises, stage 2 from lock_down()
// on.
std::vector<SyscallRule> gateway_stage_1();
std::vector<SyscallRule> gateway_stage_2();
std::vector<SyscallRule> engine_stage_1();
std::vector<SyscallRule> engine_stage_2();

}  // namespace hardening

#endif  // HARDENING_SYSCALL_RULES_H_
