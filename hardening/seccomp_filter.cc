#include "hardening/seccomp_filter.h"

#include <fmt/format.h>
#include <seccomp.h>

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

base::Status add_rule(const Filter& filter, const SyscallRule& rule) {
  const auto action = action_of(rule.answer);
  const bool checked = rule.check.index != kNoCheck;
  const scmp_arg_cmp condition{rule.check.index, SCMP_CMP_MASKED_EQ, rule.check.mask,
                               rule.check.value};
  const int result =
      ::seccomp_rule_add_array(filter.get(), action, rule.number, checked ? 1 : 0, &condition);
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
