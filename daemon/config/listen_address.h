// An address to listen on: an IP literal and a port. Names are never resolved.
#ifndef DAEMON_CONFIG_LISTEN_ADDRESS_H_
#define DAEMON_CONFIG_LISTEN_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_config {

struct ListenAddress {
  std::string host;  // as inet_ntop writes it, without brackets
  std::uint16_t port = 0;
  bool ipv6 = false;

  bool operator==(const ListenAddress&) const = default;
};

// "127.0.0.1:8443" or "[::1]:8443". Port 0 lets the kernel choose.
base::Result<ListenAddress> parse_listen_address(std::string_view text);

// The inverse.
std::string format_listen_address(const ListenAddress& address);

struct SocketAddress {
  sockaddr_storage storage;
  socklen_t bytes;
};
SocketAddress to_socket_address(const ListenAddress& address);
base::Result<ListenAddress> from_socket_address(
    const sockaddr_storage& storage);  // kUnsupported: neither IPv4 nor IPv6

}  // namespace daemon_config

#endif  // DAEMON_CONFIG_LISTEN_ADDRESS_H_
