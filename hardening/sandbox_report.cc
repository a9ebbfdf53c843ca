#include "hardening/sandbox_report.h"

#include <algorithm>

namespace hardening {
namespace {

base::Json to_json(const std::vector<std::string>& texts) {
  base::Json list = base::Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

}  // namespace

bool SandboxReport::has_namespace(std::string_view name) const {
  return std::find(namespaces.begin(), namespaces.end(), name) != namespaces.end();
}

base::Json SandboxReport::serialize() const {
  return base::Json::object({{"role", role},
                             {"uid", uid},
                             {"no_new_privs", no_new_privs},
                             {"capabilities_empty", capabilities_empty},
                             {"dumpable", dumpable},
                             {"namespaces", to_json(namespaces)},
                             {"root", root},
                             {"landlock_abi", landlock_abi},
                             {"seccomp_allowed", seccomp_allowed},
                             {"locked_down", locked_down},
                             {"skipped", to_json(skipped)},
                             {"loosened", to_json(loosened)}});
}

}  // namespace hardening
