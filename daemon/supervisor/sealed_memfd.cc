#include "daemon/supervisor/sealed_memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "hardening/base/file.h"

namespace daemon_supervisor {

base::Result<base::Fd> create_sealed_memfd(const char* name, std::string_view text) {
  base::Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return base::io_error(errno, "memfd_create");
  TRY(base::write_all(fd, std::as_bytes(std::span(text))));
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return base::io_error(errno, "seal memfd");
  TRY(rewind_memfd(fd));
  return fd;
}

base::Status rewind_memfd(const base::Fd& fd) {
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return base::io_error(errno, "rewind memfd");
  return {};
}

}  // namespace daemon_supervisor
