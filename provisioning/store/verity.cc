#include "provisioning/store/verity.h"

#include <fcntl.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace provisioning {
namespace {

constexpr __u32 kBlockBytes = 4096;

// What file systems, mounts and kernels without fs-verity say. EPERM and EACCES: a sandbox of the
// caller's forbids it.
bool cannot(int error) {
  constexpr int kAnswers[] = {EOPNOTSUPP, ENOTTY, ENOSYS, EINVAL, ENOPKG, EPERM, EACCES};
  return std::find(std::begin(kAnswers), std::end(kAnswers), error) != std::end(kAnswers);
}

}  // namespace

base::Result<bool> guard_with_verity(const base::Fd& file) {
  fsverity_enable_arg arguments{};
  arguments.version = 1;
  arguments.hash_algorithm = FS_VERITY_HASH_ALG_SHA256;
  arguments.block_size = kBlockBytes;
  if (::ioctl(file.get(), FS_IOC_ENABLE_VERITY, &arguments) == 0 || errno == EEXIST) return true;
  if (cannot(errno)) return false;
  return base::io_error(errno, "fs-verity");
}

bool has_verity(const std::string& path) {
  struct statx facts {};
  const int got = ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &facts);
  return got == 0 && (facts.stx_attributes & STATX_ATTR_VERITY) != 0;
}

}  // namespace provisioning
