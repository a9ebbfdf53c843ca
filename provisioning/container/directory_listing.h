// What lies in a directory that somebody else filled: bounded before it is believed.
#ifndef PROVISIONING_CONTAINER_DIRECTORY_LISTING_H_
#define PROVISIONING_CONTAINER_DIRECTORY_LISTING_H_

#include <cstddef>
#include <string>
#include <vector>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace provisioning {

// The names in a directory but for "." and "..", in no order; kExhausted beyond `entries_max`,
// having kept no more. openat(2) with directory_flags() and getdents64(2).
base::Result<std::vector<std::string>> list_names(const base::Fd& directory,
                                                  std::size_t entries_max);

// Every regular file below a directory, by path, in the order of the paths' bytes. kDenied for
// anything that is neither file nor directory and for an empty directory; kExhausted beyond the
// limits of a bundle (names, levels, count).
base::Result<std::vector<std::string>> list_tree(const base::Fd& directory);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_DIRECTORY_LISTING_H_
