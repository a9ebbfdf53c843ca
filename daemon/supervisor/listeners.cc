#include "daemon/supervisor/listeners.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cerrno>

namespace daemon_supervisor {
namespace {

using daemon_config::ListenAddress;

constexpr int kBacklog = 512;
constexpr std::size_t kListenersMax = 16;

base::Status set_option(const base::Fd& socket, int level, int option) {
  constexpr int kOn = 1;
  if (::setsockopt(socket.get(), level, option, &kOn, sizeof kOn) != 0)
    return base::io_error(errno, "setsockopt");
  return {};
}

base::Result<ListenAddress> bound_address(const base::Fd& socket) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) {
    return base::io_error(errno, "getsockname");
  }
  return daemon_config::from_socket_address(storage);
}

base::Result<Listener> bind_listener(const ListenAddress& address) {
  const int family = address.ipv6 ? AF_INET6 : AF_INET;
  base::Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return base::io_error(errno, "socket");
  TRY(set_option(socket, SOL_SOCKET, SO_REUSEADDR));
  // "[::]" and "0.0.0.0" are two addresses, listed separately where both are wanted.
  if (address.ipv6) TRY(set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY));
  const auto raw = daemon_config::to_socket_address(address);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&raw.storage), raw.bytes) != 0) {
    return base::io_error(errno, "bind");
  }
  if (::listen(socket.get(), kBacklog) != 0) return base::io_error(errno, "listen");
  auto bound = TRY(bound_address(socket));
  return Listener{std::move(socket), std::move(bound)};
}

base::Result<Listener> adopt_listener(base::Fd socket) {
  const int fd = socket.get();
  if (::sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
    return base::invalid_input(
        fmt::format("descriptor {} from systemd is not a listening stream socket", fd));
  }
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
    return base::io_error(errno, "fcntl");
  auto bound = TRY(bound_address(socket));
  return Listener{std::move(socket), std::move(bound)};
}

}  // namespace

base::Result<std::vector<Listener>> open_listeners(std::vector<base::Fd> handed_over,
                                                   std::span<const ListenAddress> addresses) {
  std::vector<Listener> listeners;
  if (handed_over.size() > kListenersMax) {
    return base::invalid_input(
        fmt::format("systemd handed over {} sockets, limit {}", handed_over.size(), kListenersMax));
  }
  for (base::Fd& socket : handed_over) listeners.push_back(TRY(adopt_listener(std::move(socket))));
  if (!listeners.empty()) return listeners;
  for (const ListenAddress& address : addresses) {
    const std::string name = daemon_config::format_listen_address(address);
    listeners.push_back(TRY(bind_listener(address).context("listen on " + name)));
  }
  return listeners;
}

}  // namespace daemon_supervisor
