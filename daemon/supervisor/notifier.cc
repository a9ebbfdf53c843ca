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

// A systemd that reads nothing for so many reloads has lost count of them anyway.
constexpr std::size_t kUntoldStatesMax = 16;

std::string socket_address() {
  const char* address = ::secure_getenv("NOTIFY_SOCKET");
  const std::string text = address != nullptr ? address : "";
  const bool usable = text.size() > 1 && text.size() < sizeof(sockaddr_un::sun_path) &&
                      (text[0] == '/' || text[0] == '@');
  return usable ? text : "";
}

// A line's end in it would be the beginning of an assignment, and parts of it are what roles say.
std::string without_control_characters(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return clean;
}

}  // namespace

Notifier::Notifier() : address_(socket_address()) {
  if (address_.empty()) return;
  std::uint64_t limit_us = 0;
  if (::sd_watchdog_enabled(0, &limit_us) <= 0) return;
  watchdog_interval_ms_ = static_cast<std::int64_t>(limit_us / 1'000) / kPetsPerLimit;
}

bool Notifier::has_socket() {
  if (!socket_.is_open())
    socket_ = base::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return socket_.is_open();
}

// sd_notify() itself waits while the socket's queue is full; a supervisor that waits supervises
// nothing.
bool Notifier::tell(std::string_view text, const base::Fd* fd_to_pass) {
  if (address_.empty()) return true;
  if (!has_socket()) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
  iovec bytes{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (fd_to_pass != nullptr) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = fd_to_pass->get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  const auto sent = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent >= 0 || errno == ENOENT || errno == ECONNREFUSED;
}

// ---- states -------------------------------------------------------------------------------------

void Notifier::tell_state(std::string text) {
  if (untold_states_.size() == kUntoldStatesMax) untold_states_.pop_front();
  untold_states_.push_back(std::move(text));
  flush();
}

void Notifier::flush() {
  while (!untold_states_.empty() && tell(untold_states_.front())) untold_states_.pop_front();
}

void Notifier::ready() {
  if (!ready_due_) return;
  ready_due_ = false;
  told_ready_ = true;
  tell_state("READY=1");
}

void Notifier::reloading(std::int64_t now_us) {
  if (!told_ready_ || ready_due_) return;
  ready_due_ = true;
  tell_state(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now_us));
}

void Notifier::stopping(std::int64_t milliseconds) {
  if (told_stopping_) return;
  told_stopping_ = true;
  ready_due_ = false;
  tell_state(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", milliseconds * 1'000));
}

// ---- news ---------------------------------------------------------------------------------------

void Notifier::status(std::string_view text) {
  if (text != last_status_ && tell("STATUS=" + without_control_characters(text)))
    last_status_ = text;
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

// ---- descriptors --------------------------------------------------------------------------------

bool Notifier::keep(const base::Fd& fd, std::string_view name) {
  // FDPOLL=0: there is nothing to wait for in a memfd, and what cannot be polled is not to be
  // dropped for it.
  return forget(name) && tell(fmt::format("FDSTORE=1\nFDNAME={}\nFDPOLL=0", name), &fd);
}

bool Notifier::forget(std::string_view name) {
  return tell(fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name));
}

}  // namespace daemon_supervisor
