#include "hardening/loosening.h"

#include "hardening/build_kind.h"

namespace hardening {

std::string_view step_name(Step step) {
  switch (step) {
    case Step::kEmptyRoot:
      return "empty root";
    case Step::kNotDumpable:
      return "not dumpable";
    case Step::kLandlock:
      return "landlock";
    case Step::kThreadLimit:
      return "thread limit";
    case Step::kSeccomp:
      return "seccomp";
  }
  return "unknown";
}

Loosening Loosening::for_sanitizers() {
  if (!kSanitizerBuild) return {{}, {}, ""};
  return {
      {Step::kEmptyRoot, Step::kNotDumpable, Step::kLandlock, Step::kThreadLimit, Step::kSeccomp},
      {},
      "a sanitizer build needs it"};
}

}  // namespace hardening
