// Keys, certificate and limits change while requests run; and what /ready says of the server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/gateway/gateway_fixture.h"

namespace daemon_gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

using GatewayReloadTest = GatewayFixture;

constexpr char kStream[] = R"(,"stream":true)";

TEST_F(GatewayReloadTest, NewKeysHoldFromTheNextRequestOnAndNoStreamIsLost) {
  start(true, 1);
  TlsClient streaming(port());
  TlsClient kept(port());
  ASSERT_TRUE(streaming.send(chat("count 300", kStream)));
  ASSERT_TRUE(streaming.read_until("5 "));
  ASSERT_TRUE(kept.send(get("/v1/models")));
  EXPECT_EQ(kept.receive().status, 200);

  GatewayConfig fresh = config();
  fresh.api_keys = {};
  const auto created = fresh.api_keys.create("other", 2).value();
  tell_config(fresh);
  const auto heard = hear();
  ASSERT_TRUE(heard && std::holds_alternative<daemon_ipc::Reloaded>(*heard));
  EXPECT_TRUE(std::get<daemon_ipc::Reloaded>(*heard).accepted);

  ASSERT_TRUE(kept.send(get("/v1/models"))) << "the connection is still there";
  EXPECT_EQ(kept.receive().status, 401) << "the key is not";
  const std::string request = "GET /v1/models HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " +
                              std::string(created.key.expose_text()) + "\r\n\r\n";
  EXPECT_EQ(ask(request).status, 200);
  EXPECT_THAT(streaming.receive().body, EndsWith("data: [DONE]\n\n"));
}

TEST_F(GatewayReloadTest, ANewCertificateIsShownToWhoComesNext) {
  start();
  const std::string before = TlsClient(port()).peer_certificate();
  GatewayConfig fresh = config();
  const TestIdentity other = make_identity();
  fresh.tls_certificate_pem = other.certificate_pem;
  fresh.tls_private_key_pem = other.private_key_pem;
  tell_config(fresh);
  ASSERT_TRUE(hear().has_value());
  const std::string after = TlsClient(port()).peer_certificate();
  EXPECT_FALSE(after.empty());
  EXPECT_NE(before, after);
  EXPECT_EQ(content_of(ask(chat("still here"))), "still here");
}

TEST_F(GatewayReloadTest, WhatCannotBeTakenOverChangesNothing) {
  start();
  GatewayConfig other_workers = config();
  other_workers.requests_max += 1;
  GatewayConfig no_certificate = config();
  no_certificate.tls_certificate_pem = "-----BEGIN NONSENSE-----";
  for (const GatewayConfig& fresh : {other_workers, no_certificate}) {
    tell_config(fresh);
    const auto heard = hear();
    ASSERT_TRUE(heard && std::holds_alternative<daemon_ipc::Reloaded>(*heard));
    EXPECT_FALSE(std::get<daemon_ipc::Reloaded>(*heard).accepted);
    EXPECT_FALSE(std::get<daemon_ipc::Reloaded>(*heard).text.empty());
    EXPECT_EQ(content_of(ask(chat("as before"))), "as before");
  }
}

TEST_F(GatewayReloadTest, ReadyTellsOverloadFromDraining) {
  config().requests_max = 1;
  start();
  EXPECT_EQ(ask(get("/ready")).status, 200);
  TlsClient busy(port());
  ASSERT_TRUE(busy.send(chat("wait", kStream)));
  ASSERT_TRUE(busy.read_until("assistant"));
  const HttpAnswer full = ask(get("/ready"));
  EXPECT_EQ(full.status, 503);
  EXPECT_THAT(full.body, HasSubstr(R"("status":"overloaded")"));
  EXPECT_FALSE(full.header("Retry-After").empty());
  tell(daemon_ipc::Drain{10'000});
  ASSERT_TRUE(
      eventually([this] { return ask(get("/ready")).body.find("draining") != std::string::npos; }));
  const HttpAnswer refused = ask(chat("one more"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(error_of(refused).code, "draining");
  busy.close();
  const auto heard = hear();
  EXPECT_TRUE(heard && std::holds_alternative<daemon_ipc::Drained>(*heard));
}

TEST_F(GatewayReloadTest, OneKeyCannotTakeEverySlot) {
  config().requests_max = 16;
  config().requests_per_key_max = 2;
  start();
  TlsClient first(port());
  TlsClient second(port());
  for (TlsClient* client : {&first, &second}) {
    ASSERT_TRUE(client->send(chat("wait", kStream)));
    ASSERT_TRUE(client->read_until("assistant"));
  }
  const HttpAnswer refused = ask(chat("third"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(error_of(refused).code, "rate_limit_exceeded");
  EXPECT_EQ(refused.header("Retry-After"), "2");
}

}  // namespace
}  // namespace daemon_gateway
