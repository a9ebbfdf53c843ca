// Whom a connection belongs to, as far as the network tells.
#ifndef DAEMON_GATEWAY_CLIENT_PEER_H_
#define DAEMON_GATEWAY_CLIENT_PEER_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "hardening/base/json.h"

namespace daemon_gateway {

struct ClientPeer {
  std::string address;  // numeric; an IPv4 address that came through an IPv6 socket is one
  std::uint16_t port = 0;
  std::string tls = {};  // "TLSv1.3", once the handshake is done, and its cipher
  std::string cipher = {};
};

// As accept4() fills it in. A family that is not IP has the address "unknown".
ClientPeer peer_of(const sockaddr_storage& address);

// The member `client` of records (daemon/audit/RECORDS.md).
base::Json to_json(const ClientPeer& peer);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_CLIENT_PEER_H_
