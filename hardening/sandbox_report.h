// What the sandbox of one role reached on this kernel, for `ready` and `redoubt status`.
#ifndef HARDENING_SANDBOX_REPORT_H_
#define HARDENING_SANDBOX_REPORT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"

namespace hardening {

struct SandboxReport {
  std::string role;
  int landlock_abi = 0;  // 0: not offered by this kernel
  // Of their own: "user", "pid", "net", "ipc", "uts", "mount".
  std::vector<std::string> namespaces;
  std::string_view root = "the system's";  // or "empty", or "empty directory": a literal
  std::uint32_t uid = 0;
  bool own_user = false;
  bool capabilities_empty = false;
  bool no_new_privs = false;
  bool dumpable = true;
  std::uint32_t seccomp_allowed = 0;  // syscalls on the list in force; 0: no list
  bool locked_down = false;
  std::vector<std::string> skipped;   // "what: why" for every step that could not be taken
  std::vector<std::string> loosened;  // "what: why" for what a Loosening left out

  bool has_namespace(std::string_view name) const;
  base::Json serialize() const;
};

}  // namespace hardening

#endif  // HARDENING_SANDBOX_REPORT_H_
