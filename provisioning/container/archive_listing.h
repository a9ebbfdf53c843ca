// What another reader of tar sees in an archive: libarchive's, with no format but tar and no
// filter. A second opinion for `bundle verify` and for the tests: were it to see other names or
// sizes than we do, one of us would be wrong.
#ifndef PROVISIONING_CONTAINER_ARCHIVE_LISTING_H_
#define PROVISIONING_CONTAINER_ARCHIVE_LISTING_H_

#include <vector>

#include "hardening/base/result.h"
#include "provisioning/container/stored_bytes.h"
#include "provisioning/container/tar_profile.h"

namespace provisioning {

// The members in their order; contents are skipped. kDenied when libarchive refuses it, finds a
// member that is no regular file, or more than `members_max` of them.
base::Result<std::vector<TarMember>> list_archive(StoredBytes& archive, std::size_t members_max);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_ARCHIVE_LISTING_H_
