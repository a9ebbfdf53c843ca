// What the roles' lists are put together from: the words they are written in, and the groups that
// more than one role needs.
#ifndef HARDENING_RULE_PARTS_H_
#define HARDENING_RULE_PARTS_H_

#include <initializer_list>
#include <span>

#include "hardening/syscall_rules.h"

namespace hardening {

// Arguments that the kernel takes as int leave the upper half of the register undefined: checks
// look at the lower half alone.
inline constexpr std::uint64_t kInt = 0xFFFFFFFF;

constexpr ArgumentCheck equals(unsigned index, std::uint32_t value) {
  return {index, kInt, value, false};
}
// All of `required`, and beyond it nothing but `optional`.
constexpr ArgumentCheck bits(unsigned index, std::uint32_t required, std::uint32_t optional = 0) {
  return {index, kInt & ~std::uint64_t{optional}, required, false};
}
constexpr ArgumentCheck own_process(unsigned index) {
  return {index, kInt, 0, true};
}

constexpr ArgumentCheck null(unsigned index) {
  return {index, ~std::uint64_t{0}, 0, false};
}

constexpr SyscallRule allow(int number, std::string_view why) {
  return {number, Answer::kAllow, {}, why};
}
constexpr SyscallRule allow(int number, ArgumentChecks checks, std::string_view why) {
  return {number, Answer::kAllow, checks, why};
}
constexpr SyscallRule refuse(int number, std::string_view why) {
  return {number, Answer::kRefuse, {}, why};
}
constexpr SyscallRule refuse(int number, ArgumentChecks checks, std::string_view why) {
  return {number, Answer::kRefuse, checks, why};
}

using RuleGroup = std::span<const SyscallRule>;

// One list. A refusal whatever the arguments gives way to a group that allows the same syscall, and
// one with the very checks of an allowing rule to that; beyond that, rules for one syscall exclude
// each other by their checks.
SyscallRules join(std::initializer_list<RuleGroup> groups);

// ---- groups (rule_parts.cc) ---------------------------------------------------------------------

RuleGroup memory_rules();      // malloc from one thread
RuleGroup sharing_rules();     // living with other threads: locks, their arenas
RuleGroup thread_end_rules();  // threads that end before their process does
RuleGroup ending_rules();      // exit, abort(), resuming after a stop
RuleGroup channel_rules();     // messages of other roles, log lines
RuleGroup file_fact_rules();   // fstat() of whatever glibc
RuleGroup refused_rules();     // what libraries try in passing
RuleGroup start_thread_rules();
RuleGroup tighten_rules();  // what lock_down() itself does

}  // namespace hardening

#endif  // HARDENING_RULE_PARTS_H_
