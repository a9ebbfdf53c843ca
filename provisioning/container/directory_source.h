// A bundle as a directory with its files.
#ifndef PROVISIONING_CONTAINER_DIRECTORY_SOURCE_H_
#define PROVISIONING_CONTAINER_DIRECTORY_SOURCE_H_

#include <memory>

#include "provisioning/container/bundle_source.h"

namespace provisioning {

// Lists the whole tree, bounded. Files that the statement does not name are refused where they
// stand in the order of names, before any that comes after is read.
base::Result<std::unique_ptr<BundleSource>> open_directory_source(base::Fd directory);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_DIRECTORY_SOURCE_H_
