#include "daemon/gateway/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace daemon_gateway {

base::Result<Mailbox> Mailbox::create() {
  base::Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.is_open()) return base::io_error(errno, "eventfd");
  return Mailbox(std::move(wake));
}

void Mailbox::post(Post post) {
  const std::lock_guard lock(mutex_);
  posts_.push_back(std::move(post));
  if (posts_.size() > 1) return;  // the owner has been woken and has not collected yet
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

std::vector<Post> Mailbox::collect() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &count, sizeof count);
  return std::exchange(posts_, {});
}

}  // namespace daemon_gateway
