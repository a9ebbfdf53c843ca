// Clients that are slow, silent, malformed or many must not hurt the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "tests/daemon/gateway/gateway_fixture.h"

namespace daemon_gateway {
namespace {

using testing::HasSubstr;

using HostileClientTest = GatewayFixture;

TEST_F(HostileClientTest, MalformedRequestsGetTheirStatusAndNothingElseHappens) {
  start();
  const std::string auth =
      "Authorization: Bearer " + key() + "\r\nContent-Type: application/json\r\n";
  const std::string post_head = "POST /v1/completions HTTP/1.1\r\nHost: a\r\n" + auth;
  const std::pair<std::string, int> cases[] = {
      {"NONSENSE\r\n\r\n", 400},
      {"GET /health HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},
      {"GET /health HTTP/1.1\r\nHost: a\r\nX: " + std::string(9'000, 'a') + "\r\n\r\n", 431},
      {"GET /health HTTP/1.1\nHost: a\n\n", 400},
      {"GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {post_head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {post_head + "Content-Length: 3\r\nContent-Encoding: gzip\r\n\r\n", 415},
      {post_head + "Content-Length: 99999999\r\n\r\n", 413},
      {post_head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
      {post_head + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413},
      {post_head + "Content-Length: 4\r\n\r\n{\"a\"", 400},
      {post_head + "Content-Length: 4\r\n\r\n\"\xff\xfe\"", 400},
      {post_head + "Content-Length: 0\r\n\r\n", 400},
      {"POST /v1/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key() +
           "\r\nContent-Length: 2\r\n\r\n{}",
       415},
      {"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 413},
  };
  for (const auto& [request, status] : cases) {
    const HttpAnswer answer = ask(request);
    EXPECT_EQ(answer.status, status) << request.substr(0, 200);
    EXPECT_EQ(error_of(answer).type, "invalid_request_error");
    EXPECT_THAT(answer.header("x-request-id"), testing::StartsWith("req-"));
  }
  EXPECT_EQ(content_of(ask(chat("fine"))), "fine");
}

TEST_F(HostileClientTest, ABodyOverTheLimitIsAnsweredWhileItIsStillBeingSent) {
  start();
  TlsClient client(port());
  ASSERT_TRUE(
      client.send("POST /v1/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key() +
                  "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'a') + "\r\n";
  for (int i = 0; i < 40 && client.send(chunk); ++i) {  // 2.5 MiB against a limit of 1
  }
  EXPECT_EQ(client.receive().status, 413);
  ASSERT_TRUE(eventually([this] { return stats().find("body_bytes")->as_int() == 0; }));
}

TEST_F(HostileClientTest, SlowHeadersAndBodiesRunIntoTheirDeadlines) {
  config().header_timeout_ms = 300;
  config().body_timeout_ms = 300;
  start();
  TlsClient silent(port());
  TlsClient head(port());
  TlsClient body(port());
  const int plain = connect_plain(port());
  ASSERT_TRUE(head.send("GET /health HTTP/1.1\r\nHost:"));
  ASSERT_TRUE(body.send("POST /v1/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                        key() +
                        "\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"));
  EXPECT_EQ(content_of(ask(chat("not held up"))), "not held up");
  EXPECT_EQ(head.receive().status, 408);
  EXPECT_EQ(body.receive().status, 408);
  EXPECT_TRUE(silent.at_end());
  char byte = 0;
  EXPECT_LE(::read(plain, &byte, 1), 0);
  ::close(plain);
  EXPECT_TRUE(eventually([this] { return stats().find("connections")->as_int() == 0; }));
}

TEST_F(HostileClientTest, GarbageInsteadOfTlsAndOldTlsAreTurnedAway) {
  start();
  const int plain = connect_plain(port());
  const std::string garbage = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(::write(plain, garbage.data(), garbage.size()), static_cast<ssize_t>(garbage.size()));
  char bytes[64];
  while (::read(plain, bytes, sizeof bytes) > 0) {  // an alert, then the end
  }
  ::close(plain);
  EXPECT_FALSE(TlsClient(port(), {.tls_version_max = TLS1_2_VERSION}).connected());
  TlsClient cut(port());
  ASSERT_TRUE(cut.connected());
  cut.send_raw("\x17\x03\x03\xff\xff nonsense");
  EXPECT_TRUE(cut.at_end());
  EXPECT_EQ(content_of(ask(chat("fine"))), "fine");
}

TEST_F(HostileClientTest, OldTlsIsSpokenWhereAllowed) {
  config().tls_1_2 = true;
  start();
  TlsClient client(port(), {.tls_version_max = TLS1_2_VERSION});
  ASSERT_TRUE(client.send(chat("hello")));
  EXPECT_EQ(content_of(client.receive()), "hello");
  EXPECT_FALSE(TlsClient(port(), {.tls_version_max = TLS1_1_VERSION}).connected());
}

TEST_F(HostileClientTest, AReaderThatStopsIsCutOffAndItsRequestCancelled) {
  config().write_timeout_ms = 300;
  start();
  TlsClient slow(port(), {.receive_buffer_bytes = 4'096});
  ASSERT_TRUE(slow.send(chat("count 90000", R"(,"stream":true)")));
  EXPECT_TRUE(eventually([this] { return engine().cancels() == 1; }));
  EXPECT_TRUE(eventually([this] { return stats().find("requests_running")->as_int() == 0; }));
  EXPECT_EQ(content_of(ask(chat("fine"))), "fine");
}

TEST_F(HostileClientTest, AThousandIdleConnectionsLeaveRoomForWork) {
  config().connections_max = 1'100;
  start();
  std::vector<int> idle;
  for (int i = 0; i < 1'000; ++i) {
    idle.push_back(connect_plain(port()));
    if (idle.back() < 0) break;
  }
  const bool enough = idle.back() >= 0;
  if (enough) {
    EXPECT_TRUE(eventually([this] { return stats().find("connections")->as_int() >= 1'000; }));
    EXPECT_EQ(content_of(ask(chat("room"))), "room");
  }
  for (const int fd : idle) ::close(fd);
  if (!enough) GTEST_SKIP() << "this process may not open 1000 sockets";
  EXPECT_TRUE(eventually([this] { return stats().find("connections")->as_int() <= 1; }));
}

TEST_F(HostileClientTest, WhoWaitedLongestMakesRoomForANewcomer) {
  config().connections_max = 4;
  start();
  std::vector<int> idle;
  for (int i = 0; i < 4; ++i) idle.push_back(connect_plain(port()));
  EXPECT_TRUE(eventually([this] { return content_of(ask(chat("me too"))) == "me too"; }));
  for (const int fd : idle) ::close(fd);
}

TEST_F(HostileClientTest, ConnectionsAtWorkAreNotDisplaced) {
  config().connections_max = 2;
  start();
  TlsClient first(port());
  TlsClient second(port());
  for (TlsClient* client : {&first, &second}) {
    ASSERT_TRUE(client->send(chat("wait", R"(,"stream":true)")));
    ASSERT_TRUE(client->read_until("assistant"));
  }
  EXPECT_FALSE(TlsClient(port()).connected());
  EXPECT_EQ(engine().cancels(), 0);
}

TEST_F(HostileClientTest, AnEngineThatBreaksTheProtocolIsLeft) {
  start(false);
  auto ends = daemon_ipc::Channel::create_pair().value();
  auto bad = std::make_unique<daemon_ipc::Channel>(std::move(ends.second));
  tell(daemon_ipc::EngineState{daemon_ipc::EngineCondition::kStarting, "starting"});
  tell_channel(ends.first);
  ends.first = base::Fd();                                     // ours; the gateway has its own
  ASSERT_TRUE(bad->send(daemon_ipc::Admitted{.id = 1}).ok());  // before hello
  EXPECT_TRUE(eventually([&bad] {
    const auto received = bad->receive();
    return !received.ok();
  }));
  connect_engine();
  EXPECT_EQ(content_of(ask(chat("fine"))), "fine");
}

// Whoever asks what needs no key, and never reads the answers, holds no place against others.
TEST_F(HostileClientTest, UnreadAnswersWithoutAKeyGiveWay) {
  config().connections_max = 4;
  start();
  std::string questions;
  for (int i = 0; i < 990; ++i) questions += "GET /ready HTTP/1.1\r\nHost: a\r\n\r\n";
  std::vector<std::unique_ptr<TlsClient>> greedy;
  for (int i = 0; i < 4; ++i) {
    greedy.push_back(
        std::make_unique<TlsClient>(port(), TlsClient::Options{.receive_buffer_bytes = 4'096}));
    ASSERT_TRUE(greedy.back()->send(questions));
  }
  ASSERT_TRUE(eventually([this] { return stats().find("connections")->as_int() == 4; }));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(content_of(ask(chat("let me in"))), "let me in");
}

}  // namespace
}  // namespace daemon_gateway
