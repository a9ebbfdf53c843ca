#include "daemon/gateway/poller.h"

#include <cerrno>

#include "hardening/base/check.h"

namespace daemon_gateway {

base::Result<Poller> Poller::create() {
  base::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return base::io_error(errno, "epoll_create1");
  return Poller(std::move(epoll));
}

base::Status Poller::add(int fd, std::uint64_t number, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = number}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return base::io_error(errno, "epoll_ctl");
  return {};
}

void Poller::change(int fd, std::uint64_t number, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = number}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void Poller::remove(int fd) {
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0);
}

std::span<const epoll_event> Poller::wait(int timeout_ms) {
  const int count =
      ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  if (count < 0) {
    CHECK(errno == EINTR);
    return {};
  }
  return std::span(events_).first(static_cast<std::size_t>(count));
}

}  // namespace daemon_gateway
