#include "hardening/sandbox.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "hardening/empty_root.h"
#include "hardening/id_map.h"
#include "hardening/landlock.h"
#include "hardening/privileges.h"
#include "hardening/seccomp_filter.h"

namespace hardening {
namespace {

// Beyond eight arenas glibc starts to count CPUs, through files that are out of reach.
constexpr int kMallocArenasMax = 4;

bool is_regular_file(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

// Users of the namespace we are in; read while there still is a /proc.
struct Users {
  bool ours_alone = false;   // the supervisor made it for us: it holds one user
  bool has_identity = true;  // when that cannot be read, setresuid() will tell
};

Users read_users(Identity identity) {
  const auto users = IdMap::read("/proc/self/uid_map");
  const auto groups = IdMap::read("/proc/self/gid_map");
  if (!users.ok() || !groups.ok()) return {};
  return {users.value().count() <= 1,
          users.value().contains(identity.uid) && groups.value().contains(identity.gid)};
}

}  // namespace

void Sandbox::skip(std::string_view step, std::string_view why) {
  report_.skipped.push_back(fmt::format("{}: {}", step, why));
}

base::Status Sandbox::limit_resources() {
  const PolicyFacts& policy = policy_.facts();
  TRY(lower_limit(RLIMIT_CORE, 0));
  TRY(lower_limit(RLIMIT_NOFILE, policy.open_files_max));
  if (policy.file_growth != FileGrowth::kAlways && is_regular_file(STDERR_FILENO)) {
    skip("file size limit", "standard error is a file");
    return {};
  }
  return policy.file_growth == FileGrowth::kNever ? lower_limit(RLIMIT_FSIZE, 0) : base::Status();
}

// Usually spawn() has made us the first process of a pid namespace and given us a user namespace in
// which we hold every capability; or we are root. Otherwise a user namespace is what we can make
// ourselves, after the change of user, so that it belongs to the role.
base::Status Sandbox::separate() {
  const Users users = read_users(policy_.facts().identity);
  if (users.ours_alone) report_.namespaces.emplace_back("user");
  if (::getpid() == 1) {
    report_.namespaces.emplace_back("pid");
  } else {
    skip("pid namespace", "the supervisor could not make one");
  }
  const bool privileged = has_capabilities({CAP_SYS_ADMIN});
  if (privileged) {
    enter_namespaces(report_.namespaces, report_.skipped);
    empty_root(report_.has_namespace("mount"));
  }
  TRY(become_user(users.has_identity));
  TRY(die_with_parent());
  if (privileged) return {};
  const auto entered = enter_user_namespace();
  if (!entered.ok()) {
    skip("namespaces", entered.error().message);
    empty_root(false);
    return {};
  }
  report_.namespaces.emplace_back("user");
  enter_namespaces(report_.namespaces, report_.skipped);
  empty_root(report_.has_namespace("mount"));
  return {};
}

base::Status Sandbox::become_user(bool exists) {
  TRY(drop_bounding_set());
  if (!has_capabilities({CAP_SETUID, CAP_SETGID})) {
    skip("own user", "not permitted to change it");
  } else if (!exists) {
    skip("own user", "the supervisor was not permitted to give it");
  } else {
    TRY(take_identity(policy_.facts().identity));
    report_.own_user = true;
  }
  report_.uid = ::getuid();
  return {};
}

void Sandbox::empty_root(bool own_mounts) {
  if (policy_.skips(Step::kEmptyRoot) || policy_.facts().keeps_root) return;
  base::Status status = own_mounts ? pivot_to_empty_root() : base::denied("no mount namespace");
  if (status.ok()) {
    report_.root = "empty";
    return;
  }
  skip("root without mounts", status.error().message);
  if (has_capabilities({CAP_SYS_CHROOT})) status = chroot_to_empty_directory();
  if (status.ok()) {
    report_.root = "empty directory";
  } else {
    skip("empty root", status.error().message);
  }
}

base::Status Sandbox::give_up_privileges() {
  TRY(drop_capabilities());
  report_.capabilities_empty = true;
  if (report_.own_user) TRY(verify_no_way_back());
  TRY(set_no_new_privs());
  report_.no_new_privs = true;
  if (policy_.skips(Step::kNotDumpable)) return {};
  TRY(set_not_dumpable());
  report_.dumpable = false;
  return {};
}

base::Status Sandbox::restrict_files() {
  if (policy_.skips(Step::kLandlock)) return {};
  const int abi = std::min(landlock_abi(), kLandlockAbiMax);
  if (abi == 0) {
    skip("landlock", "not offered by this kernel");
    return {};
  }
  const PolicyFacts& policy = policy_.facts();
  TRY(restrict_with_landlock(abi, {.readable = policy.readable_directory,
                                   .stored = policy.stored_directory,
                                   .writable = policy.writable_directory,
                                   .paths = &policy.paths}));
  report_.landlock_abi = abi;
  return {};
}

base::Status Sandbox::restrict_syscalls(const SyscallRules& rules) {
  if (policy_.skips(Step::kSeccomp)) return {};
  report_.seccomp_allowed = TRY(install_seccomp(rules));
  return {};
}

base::Result<Sandbox> Sandbox::enter(const Policy& policy) {
  Sandbox sandbox(policy);
  sandbox.report_.role = policy.facts().role;
  sandbox.report_.loosened = policy.loosened_texts();
  ::mallopt(M_ARENA_MAX, kMallocArenasMax);
  TRY(close_descriptors_from(policy.facts().fd_count).context("sandbox"));
  TRY(sandbox.limit_resources().context("sandbox"));
  TRY(sandbox.separate().context("sandbox"));
  TRY(sandbox.give_up_privileges().context("sandbox"));
  TRY(sandbox.restrict_files().context("sandbox"));
  TRY(sandbox.restrict_syscalls(policy.facts().stage_1).context("sandbox"));
  return sandbox;
}

base::Status Sandbox::lock_down() {
  // From here on no thread and no process starts; the seccomp list says the same more bluntly.
  if (!policy_.skips(Step::kThreadLimit)) TRY(lower_limit(RLIMIT_NPROC, 0).context("sandbox"));
  const bool stops_growing = policy_.facts().file_growth == FileGrowth::kUntilLockDown;
  if (stops_growing && !is_regular_file(STDERR_FILENO))
    TRY(lower_limit(RLIMIT_FSIZE, 0).context("sandbox"));
  TRY(restrict_syscalls(policy_.facts().stage_2).context("sandbox"));
  report_.locked_down = !policy_.skips(Step::kSeccomp);
  return {};
}

}  // namespace hardening
