// The whole of redoubt with a policy that can be made tighter: a test executable, never installed.
//
//   tightened_redoubt sandbox-rules     prints every rule of every list as JSON
//   tightened_redoubt …                 is redoubt; but its roles leave out the rules that the file
//                                       "PATH-OF-THIS-EXECUTABLE.without" names, one a line:
//                                       "gateway 2 17" is rule 17 of the gateway's second list
//
// Roles are executed anew from the same file, so the decoration is in force in them.
#include <fmt/format.h>
#include <seccomp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/cli/command.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "tests/hardening/roles.h"

namespace {

using hardening::Stage;

std::string path_of_this_executable() {
  std::string path(4096, '\0');
  const ssize_t bytes = ::readlink("/proc/self/exe", path.data(), path.size());
  path.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  return path;
}

hardening::Policy leave_out(const hardening::Policy& policy) {
  const auto text = base::read_text_file(path_of_this_executable() + ".without", 1 << 16);
  if (!text.ok()) return policy;
  char role[32];
  int stage = 0;
  std::size_t index = 0;
  if (std::sscanf(text.value().c_str(), "%31s %d %zu", role, &stage, &index) != 3) std::abort();
  if (policy.facts().role != role) return policy;
  return policy.without_rule(stage == 1 ? Stage::kLoading : Stage::kLockedDown, index);
}

base::Json describe(const hardening::SyscallRule& rule) {
  base::Json checks = base::Json::array();
  for (const auto& check : rule.checks) {
    if (!check.used()) continue;
    // As text: JSON numbers end at 2^63.
    checks.push_back(base::Json::object({{"index", std::uint64_t{check.index}},
                                         {"mask", fmt::format("{:#x}", check.mask)},
                                         {"value", fmt::format("{:#x}", check.value)},
                                         {"own_process", check.own_process}}));
  }
  char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, rule.number);
  base::Json json = base::Json::object({{"number", std::int64_t{rule.number}},
                                        {"name", std::string(name != nullptr ? name : "?")},
                                        {"allow", rule.answer == hardening::Answer::kAllow},
                                        {"checks", std::move(checks)},
                                        {"why", std::string(rule.why)}});
  std::free(name);  // NOLINT: libseccomp's malloc
  return json;
}

base::Json describe(const hardening::SyscallRules& rules) {
  base::Json list = base::Json::array();
  for (const auto& rule : rules) list.push_back(describe(rule));
  return list;
}

int print_rules() {
  base::Json roles = base::Json::object({});
  for (const hardening::Policy& policy : hardening::all_policies()) {
    const auto& facts = policy.facts();
    roles.set(std::string(facts.role),
              base::Json::object({{"1", describe(facts.stage_1)}, {"2", describe(facts.stage_2)}}));
  }
  std::puts(roles.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "sandbox-rules") return print_rules();
  daemon_supervisor::RoleHooks hooks;
  hooks.adjust_policy = leave_out;
  return daemon_cli::run_command_line(argc, argv, hooks);
}
