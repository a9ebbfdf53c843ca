#include "hardening/base/fd.h"

#include <unistd.h>

#include <cerrno>

namespace base {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Status Fd::close() {
  const int fd = release();
  // EINTR on Linux means the descriptor is closed all the same; retrying could close somebody else's.
  if (fd >= 0 && ::close(fd) != 0 && errno != EINTR) return io_error(errno, "close");
  return {};
}

}  // namespace base
