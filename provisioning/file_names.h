// Which names the files of a signed model may have. OpenSSF Model Signing v1.0, section 6.1.2, and
// what a careful reader adds: nothing that a terminal would obey, and no two names that people or
// file systems take for one.
#ifndef PROVISIONING_FILE_NAMES_H_
#define PROVISIONING_FILE_NAMES_H_

#include <span>
#include <string_view>

#include "hardening/base/result.h"

namespace provisioning {

// A text to show: UTF-8 without control characters and without those that turn the direction of
// writing. Errors do not repeat it.
base::Status check_shown_text(std::string_view text);

// A relative POSIX path of at most kDirectoryDepthMax + 1 components: shown text without
// backslashes and without combining marks that have composed forms (macOS's spelling of "é": two
// names could look the same), none of its components ".git", and not one of our own files at the
// top ("model.sig", "release.dsse", "lost+found").
base::Status check_file_name(std::string_view name);

// Names side by side, each accepted by check_file_name(): none twice, none the directory of
// another; A to Z count as a to z.
base::Status check_distinct_names(std::span<const std::string_view> names);

}  // namespace provisioning

#endif  // PROVISIONING_FILE_NAMES_H_
