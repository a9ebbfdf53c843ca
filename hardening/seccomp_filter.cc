#include "hardening/seccomp_filter.h"

#include <fmt/format.h>
#include <seccomp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <set>

namespace hardening {
namespace {

struct ReleaseFilter {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

base::Error seccomp_error(int result, std::string_view doing) {
  return base::io_error(-result, doing);
}

std::uint32_t action_of(Answer answer) {
  switch (answer) {
    case Answer::kAllow:
      return SCMP_ACT_ALLOW;
    case Answer::kRefuse:
      return SCMP_ACT_ERRNO(EACCES);
    case Answer::kAbsent:
      return SCMP_ACT_ERRNO(ENOSYS);
  }
  return SCMP_ACT_KILL_PROCESS;
}

scmp_arg_cmp to_condition(const ArgumentCheck& check) {
  const std::uint64_t value =
      check.own_process ? static_cast<std::uint64_t>(::getpid()) : check.value;
  return {check.index, SCMP_CMP_MASKED_EQ, check.mask, value};
}

base::Status add_rule(const Filter& filter, const SyscallRule& rule) {
  std::array<scmp_arg_cmp, kChecksMax> conditions{};
  unsigned count = 0;
  for (const ArgumentCheck& check : rule.checks) {
    if (check.used()) conditions[count++] = to_condition(check);
  }
  const int result = ::seccomp_rule_add_array(filter.get(), action_of(rule.answer), rule.number,
                                              count, conditions.data());
  if (result != 0)
    return seccomp_error(result, fmt::format("seccomp rule for syscall {}", rule.number));
  return {};
}

// A killed thread alone would leave the rest of the role waiting for it forever.
base::Result<Filter> create_filter() {
  Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (filter == nullptr) return base::exhausted("seccomp_init");
  int result = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (result == 0) result = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  // The sandbox has set it; a list that set it again would have to allow itself to.
  if (result == 0) result = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0);
  if (result != 0) return seccomp_error(result, "seccomp attributes");
  return filter;
}

}  // namespace

base::Result<std::uint32_t> install_seccomp(std::span<const SyscallRule> rules) {
  const Filter filter = TRY(create_filter());
  std::set<int> allowed;
  for (const SyscallRule& rule : rules) {
    TRY(add_rule(filter, rule));
    if (rule.answer == Answer::kAllow) allowed.insert(rule.number);
  }
  const int result = ::seccomp_load(filter.get());
  if (result != 0) return seccomp_error(result, "seccomp_load");
  return static_cast<std::uint32_t>(allowed.size());
}

}  // namespace hardening
