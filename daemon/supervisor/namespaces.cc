#include "daemon/supervisor/namespaces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

// The kernel takes a map in one write, once.
base::Status write_map(pid_t child, const char* name, const std::string& text) {
  const std::string path = fmt::format("/proc/{}/{}", child, name);
  const base::Fd file = TRY(base::open_file(path, O_WRONLY));
  return base::write_all(file, std::as_bytes(std::span(text))).context(path);
}

std::string map_of_one(std::uint32_t id) {
  return fmt::format("{} {} 1", id, id);
}

// An unprivileged process may map its group only once its child can no longer drop groups
// (user_namespaces(7)).
base::Status map_ourselves(pid_t child) {
  TRY(write_map(child, "setgroups", "deny"));
  TRY(write_map(child, "gid_map", map_of_one(::getegid())));
  return write_map(child, "uid_map", map_of_one(::geteuid()));
}

// For this thread; the upper half of the capability sets is not needed.
constexpr int kKept[] = {CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_CHROOT, CAP_SYS_ADMIN};

}  // namespace

base::Status map_user(pid_t child, hardening::Identity identity) {
  const auto group = write_map(child, "gid_map", map_of_one(identity.gid));
  if (!group.ok()) return map_ourselves(child);
  return write_map(child, "uid_map", map_of_one(identity.uid));
}

bool make_mappable() {
  return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

bool keep_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  for (const int capability : kKept) data[0].inheritable |= 1u << capability;
  if (::syscall(SYS_capset, &header, data) != 0) return false;
  for (const int capability : kKept) {
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return false;
  }
  return true;
}

}  // namespace daemon_supervisor
