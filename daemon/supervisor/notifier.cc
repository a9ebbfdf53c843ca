#include "daemon/supervisor/notifier.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace daemon_supervisor {
namespace {

// The watchdog is petted this many times within the time it allows: the first attempt may find
// nobody listening.
constexpr std::int64_t kPetsPerLimit = 3;

std::string socket_address() {
  const char* address = ::secure_getenv("NOTIFY_SOCKET");
  const std::string text = address != nullptr ? address : "";
  const bool usable = text.size() > 1 && text.size() < sizeof(sockaddr_un::sun_path) &&
                      (text[0] == '/' || text[0] == '@');
  return usable ? text : "";
}

}  // namespace

Notifier::Notifier() : address_(socket_address()) {
  if (address_.empty()) return;
  socket_ = base::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  std::uint64_t limit_us = 0;
  if (::sd_watchdog_enabled(0, &limit_us) <= 0) return;
  watchdog_interval_ms_ = static_cast<std::int64_t>(limit_us / 1'000) / kPetsPerLimit;
}

// sd_notify() itself waits while the socket's queue is full; a supervisor that waits supervises
// nothing.
bool Notifier::tell(std::string_view text) const {
  if (!socket_.is_open()) return true;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const auto sent = ::sendto(socket_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), bytes);
  return sent >= 0 || (errno != EAGAIN && errno != EINTR);
}

void Notifier::ready() {
  if (!told_ready_) told_ready_ = tell("READY=1");
}

void Notifier::stopping() {
  if (!told_stopping_) told_stopping_ = tell("STOPPING=1");
}

void Notifier::status(std::string_view text) {
  if (text != last_status_ && tell(fmt::format("STATUS={}", text))) last_status_ = text;
}

void Notifier::extend_start(std::int64_t milliseconds) {
  if (!told_ready_) (void)tell(fmt::format("EXTEND_TIMEOUT_USEC={}", milliseconds * 1'000));
}

void Notifier::watchdog(std::int64_t now) {
  if (watchdog_interval_ms_ == 0 || now < next_watchdog_ms_) return;
  (void)tell("WATCHDOG=1");
  next_watchdog_ms_ = now + watchdog_interval_ms_;
}

std::int64_t Notifier::next_watchdog() const {
  return watchdog_interval_ms_ == 0 ? std::numeric_limits<std::int64_t>::max() : next_watchdog_ms_;
}

}  // namespace daemon_supervisor
