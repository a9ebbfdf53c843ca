// A file descriptor that closes itself. Move-only; an Fd either owns one descriptor or is empty.
#ifndef HARDENING_BASE_FD_H_
#define HARDENING_BASE_FD_H_

#include <utility>

#include "hardening/base/result.h"

namespace base {

class Fd {
 public:
  Fd() = default;
  // Takes ownership of a descriptor the kernel just gave us. It must have CLOEXEC set: descriptors cross an
  // exec only when a role is handed them by name.
  explicit Fd(int owned) : fd_(owned) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  bool is_open() const { return fd_ >= 0; }
  explicit operator bool() const = delete;  // descriptor 0 is a descriptor: ask is_open()

  // The descriptor, still ours; -1 when empty.
  int get() const { return fd_; }
  // The descriptor, now the caller's; leaves this empty.
  int release() { return std::exchange(fd_, -1); }
  // Closes and reports; for files that were written, where close may be the first to say so.
  Status close();

 private:
  int fd_ = -1;
};

}  // namespace base

#endif  // HARDENING_BASE_FD_H_
