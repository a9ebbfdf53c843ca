#include "daemon/supervisor/control_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

constexpr mode_t kSocketMode = 0660;
constexpr int kBacklog = 16;
constexpr std::size_t kAnswerBytesMax = 1 << 20;

base::Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return base::invalid_input(fmt::format("{}: longer than a socket's path may be ({} bytes)",
                                           path, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

base::Result<base::Fd> create_socket(int flags) {
  base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!socket.is_open()) return base::io_error(errno, "socket");
  return socket;
}

}  // namespace

base::Result<ControlSocket> ControlSocket::create(const std::string& path) {
  const sockaddr_un address = TRY(unix_address(path));
  base::Fd socket = TRY(create_socket(SOCK_NONBLOCK));
  ::unlink(path.c_str());
  if (::bind(socket.get(), generic(address), sizeof address) != 0)
    return base::io_error(errno, "bind " + path);
  if (::chmod(path.c_str(), kSocketMode) != 0) return base::io_error(errno, "chmod " + path);
  if (::listen(socket.get(), kBacklog) != 0) return base::io_error(errno, "listen " + path);
  return ControlSocket(std::move(socket));
}

void ControlSocket::add_to(std::vector<pollfd>& waits) const {
  // With all places taken, newcomers wait in the backlog.
  if (clients_.size() < kClientsMax) waits.push_back({listener_.get(), POLLIN, 0});
  for (const Client& client : clients_) {
    if (client.phase == Client::Phase::kWaiting) continue;
    const bool answering = client.phase == Client::Phase::kAnswering;
    waits.push_back({client.socket.get(), static_cast<short>(answering ? POLLOUT : POLLIN), 0});
  }
}

void ControlSocket::accept_clients(std::int64_t now) {
  while (clients_.size() < kClientsMax) {
    base::Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.is_open()) return;
    ucred peer{};
    socklen_t bytes = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0) continue;
    clients_.push_back({std::move(socket), now + kClientTimeMs, {}, {}, peer.uid});
  }
}

bool ControlSocket::read_request(Client& client, std::int64_t now) {
  while (client.phase == Client::Phase::kReading) {
    char bytes[4'096];
    const std::size_t room = std::min(sizeof bytes, kRequestBytesMax - client.request.size());
    const ssize_t got = ::recv(client.socket.get(), bytes, room, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;  // it left
    client.request.append(bytes, static_cast<std::size_t>(got));
    const auto newline = client.request.find('\n');
    if (newline == std::string::npos && client.request.size() == kRequestBytesMax) return false;
    if (newline == std::string::npos) continue;
    client.request.resize(newline);
    client.phase = Client::Phase::kWaiting;
    client.deadline = now + kAnswerTimeMs;
  }
  return true;
}

bool ControlSocket::write_answer(Client& client) {
  while (!client.response.empty()) {
    const ssize_t put = ::send(client.socket.get(), client.response.data(), client.response.size(),
                               MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0) return errno == EAGAIN || errno == EINTR;
    client.response.erase(0, static_cast<std::size_t>(put));
  }
  return false;
}

bool ControlSocket::advance(Client& client, std::int64_t now, const Answer& answer) {
  if (!read_request(client, now)) return false;
  if (client.phase == Client::Phase::kWaiting) {
    const auto text = answer(client.request, client.ticket, client.uid);
    if (!text) return true;
    client.response = *text + "\n";
    client.phase = Client::Phase::kAnswering;
  }
  return client.phase == Client::Phase::kReading || write_answer(client);
}

void ControlSocket::serve(std::int64_t now, const Answer& answer) {
  accept_clients(now);
  std::erase_if(clients_, [&](Client& client) {
    return now >= client.deadline || !advance(client, now, answer);
  });
}

std::int64_t ControlSocket::next_deadline() const {
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  for (const Client& client : clients_) next = std::min(next, client.deadline);
  return next;
}

base::Result<std::string> ask_control_socket(const std::string& path, std::string_view request,
                                             int timeout_ms) {
  const sockaddr_un address = TRY(unix_address(path));
  const base::Fd socket = TRY(create_socket(0));
  const timeval limit{timeout_ms / 1'000, (timeout_ms % 1'000) * 1'000};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket.get(), generic(address), sizeof address) != 0) {
    return base::io_error(errno, fmt::format("connect to {} (is the service running?)", path));
  }
  const std::string line = std::string(request) + "\n";
  TRY(base::write_all(socket, std::as_bytes(std::span(line))));
  std::string answer;
  char bytes[4'096];
  for (;;) {
    const ssize_t got = ::recv(socket.get(), bytes, sizeof bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::io_error(errno, fmt::format("read from {}", path));
    if (got == 0) break;
    if (answer.size() + static_cast<std::size_t>(got) > kAnswerBytesMax)
      return base::exhausted("the answer is too long");
    answer.append(bytes, static_cast<std::size_t>(got));
  }
  if (!answer.ends_with('\n'))
    return base::unavailable(fmt::format("{}: the answer broke off", path));
  return answer;
}

}  // namespace daemon_supervisor
