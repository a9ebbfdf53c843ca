#include "daemon/config/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

#include "hardening/base/check.h"

namespace daemon_config {
namespace {

base::Error not_an_address(std::string_view text) {
  return base::invalid_input(fmt::format(
      "\"{}\" is not an IP address and port, such as \"127.0.0.1:8443\" or \"[::1]:8443\"", text));
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  if (text.empty() || text.size() > 5) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

// Reads the literal and writes it the one canonical way.
bool canonical_host(int family, const std::string& host, std::string& out) {
  in6_addr raw{};
  char text[INET6_ADDRSTRLEN] = {};
  if (::inet_pton(family, host.c_str(), &raw) != 1) return false;
  CHECK(::inet_ntop(family, &raw, text, sizeof text) != nullptr);
  out = text;
  return true;
}

}  // namespace

base::Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || text.find('\0') != text.npos) return not_an_address(text);
  std::string_view host = text.substr(0, colon);
  ListenAddress address;
  if (!parse_port(text.substr(colon + 1), address.port)) return not_an_address(text);
  address.ipv6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (address.ipv6) host = host.substr(1, host.size() - 2);
  if (!canonical_host(address.ipv6 ? AF_INET6 : AF_INET, std::string(host), address.host))
    return not_an_address(text);
  return address;
}

std::string format_listen_address(const ListenAddress& address) {
  return fmt::format(fmt::runtime(address.ipv6 ? "[{}]:{}" : "{}:{}"), address.host, address.port);
}

SocketAddress to_socket_address(const ListenAddress& address) {
  SocketAddress result{};
  if (address.ipv6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    CHECK(::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.bytes = sizeof v6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    CHECK(::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.bytes = sizeof v4;
  }
  return result;
}

base::Result<ListenAddress> from_socket_address(const sockaddr_storage& storage) {
  ListenAddress address;
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    CHECK(::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text) != nullptr);
    address.port = ntohs(v4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    CHECK(::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text) != nullptr);
    address.port = ntohs(v6.sin6_port);
    address.ipv6 = true;
  } else {
    return base::unsupported("not an IPv4 or IPv6 socket");
  }
  address.host = text;
  return address;
}

}  // namespace daemon_config
