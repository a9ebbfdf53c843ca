#include "hardening/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace hardening {
namespace {

constexpr int kCapabilitiesMax = 64;  // the bounding set is asked until the kernel knows no more

}  // namespace

base::Status close_descriptors_from(int first) {
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0u, 0) != 0)
    return base::io_error(errno, "close_range");
  return {};
}

base::Status lower_limit(int resource, std::uint64_t value) {
  const auto which = static_cast<__rlimit_resource>(resource);
  rlimit limit{};
  if (::getrlimit(which, &limit) != 0) return base::io_error(errno, "getrlimit");
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, value);
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(which, &limit) != 0)
    return base::io_error(errno, fmt::format("setrlimit {}", resource));
  return {};
}

bool has_capabilities(std::initializer_list<int> capabilities) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  for (const int capability : capabilities) {
    const auto word = static_cast<std::size_t>(capability) / 32;
    if ((data[word].effective >> (capability % 32) & 1) == 0) return false;
  }
  return true;
}

base::Status take_identity(Identity identity) {
  const gid_t gid = identity.gid;
  const uid_t uid = identity.uid;
  if (uid == 0 || gid == 0) return base::invalid_input("a role never runs as root");
  if (::setgroups(0, nullptr) != 0) return base::io_error(errno, "setgroups");
  if (::setresgid(gid, gid, gid) != 0)
    return base::io_error(errno, fmt::format("setresgid {}", gid));
  if (::setresuid(uid, uid, uid) != 0)
    return base::io_error(errno, fmt::format("setresuid {}", uid));
  return {};
}

base::Status drop_bounding_set() {
  for (int capability = 0; capability < kCapabilitiesMax; ++capability) {
    const int held = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held < 0) break;  // past the last one
    if (held == 1 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM) {
      return base::io_error(errno,
                            fmt::format("drop capability {} from the bounding set", capability));
    }
  }
  return {};
}

base::Status drop_capabilities() {
  TRY(drop_bounding_set());
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return base::io_error(errno, "ambient capabilities");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2]{};
  if (::syscall(SYS_capset, &header, none) != 0) return base::io_error(errno, "capset");
  return {};
}

base::Status verify_no_way_back() {
  if (::setresuid(0, 0, 0) == 0 || ::setresgid(0, 0, 0) == 0)
    return base::denied("root could be taken back");
  return {};
}

base::Status set_no_new_privs() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return base::io_error(errno, "no_new_privs");
  return {};
}

base::Status set_not_dumpable() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return base::io_error(errno, "PR_SET_DUMPABLE");
  return {};
}

base::Status die_with_parent() {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    return base::io_error(errno, "PR_SET_PDEATHSIG");
  return {};
}

base::Status enter_user_namespace() {
  if (::unshare(CLONE_NEWUSER) != 0) return base::io_error(errno, "unshare");
  return {};
}

void enter_namespaces(std::vector<std::string>& entered, std::vector<std::string>& refused) {
  struct Kind {
    int flag;
    const char* name;
  };
  constexpr Kind kKinds[] = {
      {CLONE_NEWNET, "net"}, {CLONE_NEWIPC, "ipc"}, {CLONE_NEWUTS, "uts"}, {CLONE_NEWNS, "mount"}};
  for (const Kind& kind : kKinds) {
    if (::unshare(kind.flag) == 0) {
      entered.emplace_back(kind.name);
    } else {
      refused.push_back(fmt::format("{} namespace: {}", kind.name, ::strerrordesc_np(errno)));
    }
  }
}

}  // namespace hardening
