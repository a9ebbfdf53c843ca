// The parts of one .rdb in a directory, read as the file they make.
#ifndef PROVISIONING_CONTAINER_PARTS_SOURCE_H_
#define PROVISIONING_CONTAINER_PARTS_SOURCE_H_

#include <memory>
#include <optional>
#include <string>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"
#include "provisioning/container/stored_bytes.h"

namespace provisioning {

// The NAME.rdb of the one NAME.rdb.parts in a directory; nothing when there is none or a
// release.dsse beside it, kInvalidInput when there are several.
base::Result<std::optional<std::string>> find_parts(const base::Fd& directory);

// Checks that every part is there with its size; digests are checked by check_parts() alone
// (container/parts.h), since the statement vouches for every byte anyway. Other files in the
// directory are left alone: a medium has its own.
base::Result<std::unique_ptr<StoredBytes>> open_parts(base::Fd directory,
                                                      const std::string& archive_name);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_PARTS_SOURCE_H_
