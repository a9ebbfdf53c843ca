// How anything is made below STORE: directories and files belong to whoever owns STORE, also when
// root makes them; what is there is synced; locks are files that stay.
#ifndef PROVISIONING_STORE_STORE_FILES_H_
#define PROVISIONING_STORE_STORE_FILES_H_

#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/file.h"
#include "hardening/base/result.h"

namespace provisioning {

inline constexpr unsigned kStoreDirectoryMode = 0755;
inline constexpr unsigned kStoreFileMode = 0644;  // of what we replace
inline constexpr unsigned kObjectMode = 0444;     // of what never changes

// Creates it unless it is there, with the owner of its parent, and syncs the parent. Parents are
// made likewise.
base::Status make_store_directory(const std::string& path);

// Creates or replaces a file, durably; its owner becomes that of its directory.
base::Status put_store_file(const std::string& path, std::string_view text, unsigned mode);

base::Status sync_store_directory(const std::string& path);
base::Status rename_path(const std::string& from, const std::string& to);
bool path_exists(const std::string& path);
// Everything at and below it. What is not there is gone already.
base::Status remove_tree(const std::string& path);
// Names, not paths; "." and ".." left out; at most `names_max`, else kExhausted.
base::Result<std::vector<std::string>> list_names(const std::string& directory,
                                                  std::size_t names_max);

// An exclusive lock on a file that is created for it, until dropped. Waits at most so long; then
// kUnavailable.
base::Result<base::Fd> lock_store_file(const std::string& path, int wait_ms);

}  // namespace provisioning

#endif  // PROVISIONING_STORE_STORE_FILES_H_
