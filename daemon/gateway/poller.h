// epoll as a value: descriptors by a number of the caller's.
#ifndef DAEMON_GATEWAY_POLLER_H_
#define DAEMON_GATEWAY_POLLER_H_

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace daemon_gateway {

class Poller {
 public:
  static base::Result<Poller> create();

  base::Status add(int fd, std::uint64_t number, std::uint32_t events);
  void change(int fd, std::uint64_t number, std::uint32_t events);
  void remove(int fd);

  // Waits at most `timeout_ms` (-1: for ever). The events are ours until the next call;
  // epoll_event.data.u64 is the number.
  std::span<const epoll_event> wait(int timeout_ms);

 private:
  explicit Poller(base::Fd epoll) : epoll_(std::move(epoll)) {}

  base::Fd epoll_;
  std::array<epoll_event, 64> events_{};
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_POLLER_H_
