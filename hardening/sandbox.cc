#include "hardening/sandbox.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardening/build_kind.h"
#include "hardening/landlock.h"
#include "hardening/privileges.h"
#include "hardening/seccomp_filter.h"

namespace hardening {
namespace {

// Beyond eight arenas glibc starts to count CPUs, through files that are out of reach.
constexpr int kMallocArenasMax = 4;

constexpr char kSanitizerReason[] = "a sanitizer build needs it";

bool is_regular_file(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

void skip(SandboxReport& report, std::string_view step, std::string_view why) {
  report.skipped.push_back(fmt::format("{}: {}", step, why));
}

base::Status lower_limits(const Policy& policy, SandboxReport& report) {
  TRY(lower_limit(RLIMIT_CORE, 0));
  TRY(lower_limit(RLIMIT_NOFILE, policy.open_files_max));
  if (is_regular_file(STDERR_FILENO)) {
    skip(report, "file size limit", "standard error is a file");
    return {};
  }
  return lower_limit(RLIMIT_FSIZE, 0);
}

// With privileges the namespaces come first, as root; without, they need a user namespace, which
// comes after the change of identity so that it belongs to the role.
base::Status separate(const Policy& policy, SandboxReport& report) {
  const bool root = ::geteuid() == 0;
  const bool privileged = root && enter_namespaces(false, report.namespaces).ok();
  if (root) {
    TRY(take_identity(policy.identity));
  } else {
    skip(report, "own user", "not started as root");
  }
  report.uid = ::getuid();
  TRY(die_with_parent());
  if (privileged) return {};
  const auto entered = enter_namespaces(true, report.namespaces);
  if (entered.ok()) return {};
  if (entered.error().code != base::ErrorCode::kDenied) return entered;
  skip(report, "namespaces", entered.error().message);
  return {};
}

base::Status give_up_privileges(SandboxReport& report) {
  TRY(drop_capabilities());
  report.capabilities_empty = true;
  TRY(set_no_new_privs());
  report.no_new_privs = true;
  if (kSanitizerBuild) {
    skip(report, "dumpable", kSanitizerReason);
    return {};
  }
  TRY(set_not_dumpable());
  report.dumpable = false;
  return {};
}

base::Status restrict_files(const Policy& policy, SandboxReport& report) {
  const int abi = landlock_abi();
  if (kSanitizerBuild) {
    skip(report, "landlock", kSanitizerReason);
    return {};
  }
  if (abi == 0) {
    skip(report, "landlock", "not offered by this kernel");
    return {};
  }
  TRY(restrict_with_landlock(abi, policy.readable_directory));
  report.landlock_abi = abi;
  return {};
}

base::Status restrict_syscalls(const std::vector<SyscallRule>& rules, SandboxReport& report) {
  if (rules.empty()) return {};
  if (kSanitizerBuild) {
    skip(report, "seccomp", kSanitizerReason);
    return {};
  }
  report.seccomp_allowed = TRY(install_seccomp(rules));
  return {};
}

}  // namespace

base::Result<Sandbox> Sandbox::enter(const Policy& policy) {
  Sandbox sandbox(policy);
  SandboxReport& report = sandbox.report_;
  report.role = policy.role;
  ::mallopt(M_ARENA_MAX, kMallocArenasMax);
  TRY(close_descriptors_from(policy.fd_count).context("sandbox"));
  TRY(lower_limits(policy, report).context("sandbox"));
  TRY(separate(policy, report).context("sandbox"));
  TRY(give_up_privileges(report).context("sandbox"));
  TRY(restrict_files(policy, report).context("sandbox"));
  TRY(restrict_syscalls(policy.stage_1, report).context("sandbox"));
  return sandbox;
}

base::Status Sandbox::lock_down() {
  // From here on no thread and no process starts; the seccomp list says the same more bluntly.
  if (!kSanitizerBuild) TRY(lower_limit(RLIMIT_NPROC, 0).context("sandbox"));
  if (!kSanitizerBuild)
    report_.seccomp_allowed = TRY(install_seccomp(policy_.stage_2).context("sandbox"));
  report_.locked_down = !kSanitizerBuild;
  return {};
}

}  // namespace hardening
