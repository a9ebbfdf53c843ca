#include "daemon/config/listen_address.h"

#include <gtest/gtest.h>

namespace daemon_config {
namespace {

TEST(ListenAddress, ReadsIpv4AndIpv6Literals) {
  const auto v4 = parse_listen_address("192.168.7.1:443");
  ASSERT_TRUE(v4.ok());
  EXPECT_EQ(v4.value().host, "192.168.7.1");
  EXPECT_EQ(v4.value().port, 443);
  EXPECT_FALSE(v4.value().ipv6);
  const auto v6 = parse_listen_address("[0:0:0:0:0:0:0:1]:65535");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(format_listen_address(v6.value()), "[::1]:65535");
}

TEST(ListenAddress, RefusesEverythingElse) {
  for (const char* text :
       {"", ":", "8443", "localhost:8443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:1x", "127.1:80", "::1:80",
        "[::1]", "[]:80", "[::1:80", "[127.0.0.1]:80", "[fe80::1%eth0]:80", "1.2.3.4:000080"}) {
    EXPECT_FALSE(parse_listen_address(text).ok()) << text;
  }
  EXPECT_FALSE(parse_listen_address(std::string_view("127.0.0.1\0:80", 13)).ok());
}

TEST(ListenAddress, SurvivesTheKernelsForm) {
  for (const char* text : {"0.0.0.0:0", "127.0.0.1:8443", "[::]:1", "[2001:db8::7]:8443"}) {
    const auto address = parse_listen_address(text);
    ASSERT_TRUE(address.ok());
    const auto raw = to_socket_address(address.value());
    const auto again = from_socket_address(raw.storage);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(format_listen_address(again.value()), text);
  }
}

}  // namespace
}  // namespace daemon_config
