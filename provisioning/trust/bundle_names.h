// Which names the files of a bundle may have. provisioning/BUNDLE.md section 1.
#ifndef PROVISIONING_TRUST_BUNDLE_NAMES_H_
#define PROVISIONING_TRUST_BUNDLE_NAMES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

#include "hardening/base/result.h"

namespace provisioning {

inline constexpr std::size_t kBundleNameBytesMax = 255;
inline constexpr std::size_t kBundleNameComponentBytesMax = 100;
inline constexpr std::size_t kBundleNameLevelsMax = 8;

// One name by itself. Whoever may pass it holds nothing that a terminal, a file system or a shell
// would take for more than a name. Errors do not repeat it.
base::Status check_bundle_name(std::string_view name);

// Names side by side: none twice, none the directory of another, upper and lower case alike (the
// stick's file system may not tell them apart).
class BundleNames {
 public:
  // Requires a name that check_bundle_name() accepts. kInvalidInput names what it collides with; it
  // is not added then.
  base::Status add(std::string_view name);

 private:
  std::unordered_set<std::string> names_;        // in lower case
  std::unordered_set<std::string> directories_;  // likewise
};

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_BUNDLE_NAMES_H_
