#include "provisioning/container/bundle_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "provisioning/container/archive_source.h"
#include "provisioning/container/directory_source.h"
#include "provisioning/container/parts_source.h"
#include "provisioning/container/stored_bytes.h"

namespace provisioning {

base::Result<std::unique_ptr<BundleSource>> open_bundle(base::Fd fd) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return base::io_error(errno, "fstat");
  if (S_ISREG(info.st_mode)) return make_archive_source(TRY(open_stored_file(std::move(fd))));
  if (!S_ISDIR(info.st_mode)) {
    return base::invalid_input(
        "a bundle is a directory or a regular file, not a FIFO, a device or a socket");
  }
  if (const auto archive = TRY(find_parts(fd)))
    return make_archive_source(TRY(open_parts(std::move(fd), *archive)));
  return open_directory_source(std::move(fd));
}

}  // namespace provisioning
