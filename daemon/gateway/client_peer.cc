#include "daemon/gateway/client_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace daemon_gateway {
namespace {

std::string numeric(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* written = ::inet_ntop(family, address, text.data(), text.size());
  return written == nullptr ? "unknown" : written;
}

}  // namespace

ClientPeer peer_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return {numeric(AF_INET, &v4.sin_addr), ntohs(v4.sin_port)};
  }
  if (address.ss_family != AF_INET6) return {"unknown"};
  sockaddr_in6 v6;
  std::memcpy(&v6, &address, sizeof v6);
  if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    return {numeric(AF_INET6, &v6.sin6_addr), ntohs(v6.sin6_port)};
  }
  return {numeric(AF_INET, &v6.sin6_addr.s6_addr[12]), ntohs(v6.sin6_port)};
}

base::Json to_json(const ClientPeer& peer) {
  base::Json json = base::Json::object({{"address", peer.address}});
  if (peer.port != 0) json.set("port", static_cast<std::int64_t>(peer.port));
  if (!peer.tls.empty()) json.set("tls", peer.tls);
  if (!peer.cipher.empty()) json.set("cipher", peer.cipher);
  return json;
}

}  // namespace daemon_gateway
