// A bundle as one .rdb: the members in their order, every header the one our writer makes.
#ifndef PROVISIONING_CONTAINER_ARCHIVE_SOURCE_H_
#define PROVISIONING_CONTAINER_ARCHIVE_SOURCE_H_

#include <memory>

#include "provisioning/container/bundle_source.h"
#include "provisioning/container/stored_bytes.h"

namespace provisioning {

// Reads nothing yet.
std::unique_ptr<BundleSource> make_archive_source(std::unique_ptr<StoredBytes> archive);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_ARCHIVE_SOURCE_H_
