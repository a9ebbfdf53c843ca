#include "daemon/gateway/client_peer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace daemon_gateway {
namespace {

sockaddr_storage v6(const char* address, std::uint16_t port) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET6, address, &in.sin6_addr), 1);
  sockaddr_storage out{};
  std::memcpy(&out, &in, sizeof in);
  return out;
}

TEST(ClientPeer, IsNumericAndHasOneNameForOneAddress) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(4'000);
  in.sin_addr.s_addr = htonl(0xc0000201);
  sockaddr_storage v4{};
  std::memcpy(&v4, &in, sizeof in);
  EXPECT_EQ(peer_of(v4).address, "192.0.2.1");
  EXPECT_EQ(peer_of(v4).port, 4'000);
  EXPECT_EQ(peer_of(v6("2001:db8::1", 9)).address, "2001:db8::1");
  EXPECT_EQ(peer_of(v6("2001:db8::1", 9)).port, 9);
  EXPECT_EQ(peer_of(v6("::ffff:192.0.2.1", 9)).address, "192.0.2.1");
  sockaddr_storage other{};
  other.ss_family = AF_UNIX;
  EXPECT_EQ(peer_of(other).address, "unknown");
}

TEST(ClientPeer, TellsOnlyWhatIsKnown) {
  EXPECT_EQ(to_json({"a"}).dump(), R"({"address":"a"})");
  EXPECT_EQ(to_json({"a", 1, "TLSv1.3", "c"}).dump(),
            R"({"address":"a","port":1,"tls":"TLSv1.3","cipher":"c"})");
}

}  // namespace
}  // namespace daemon_gateway
