// Recorded before it leaves: what a client gets, and what it does not, while the auditor does well
// or badly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "daemon/audit/seal/salt.h"
#include "tests/daemon/gateway/gateway_fixture.h"

namespace daemon_gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr char kStream[] = R"(,"stream":true)";

class GatewayAuditTest : public GatewayFixture {
 protected:
  bool recorded(const std::string& type, std::size_t count = 1) {
    return eventually([&] { return log().count(type) >= count; });
  }
  base::Json only(const std::string& type) {
    EXPECT_EQ(log().count(type), 1u) << type;
    return log().of_type(type).at(0).body;
  }
  std::string outcome() { return only("request.finished").find("outcome")->as_string(); }
  bool readable(const TlsClient& client, int timeout_ms) const {
    pollfd ready{client.fd(), POLLIN, 0};
    return ::poll(&ready, 1, timeout_ms) == 1;
  }
  void TearDown() override {
    if (with_auditor()) {
      EXPECT_EQ(auditor().breach(), "");
    }
  }
};

TEST_F(GatewayAuditTest, RecordsWhatIsAskedAndWhatIsAnswered) {
  start();
  const HttpAnswer answer =
      ask(chat("hello there", R"(,"user":"someone","metadata":{"tag":"ward 7"},"seed":5)"));
  ASSERT_EQ(answer.status, 200);
  const base::Json admitted = only("request.admitted");
  EXPECT_EQ(admitted.find("request")->as_string(), answer.header("x-request-id"));
  EXPECT_EQ(admitted.find("client")->find("address")->as_string(), "127.0.0.1");
  EXPECT_EQ(admitted.find("client")->find("tls")->as_string(), "TLSv1.3");
  EXPECT_THAT(admitted.find("client")->find("cipher")->as_string(), HasSubstr("TLS_"));
  EXPECT_GT(admitted.find("client")->find("port")->as_int(), 0);
  EXPECT_EQ(admitted.find("user")->as_string(), "someone");
  EXPECT_EQ(admitted.find("tag")->as_string(), "ward 7");
  EXPECT_EQ(admitted.find("seed")->as_string(), "5");
  EXPECT_EQ(admitted.find("kernels")->as_string(), "fake-1");
  EXPECT_EQ(admitted.find("model")->find("name")->as_string(), "fake/model");
  EXPECT_EQ(admitted.find("model")->find("digest")->as_string().size(), 64u);
  EXPECT_EQ(admitted.find("model")->find("release")->as_string().size(), 64u);
  const base::Json finished = only("request.finished");
  EXPECT_EQ(finished.find("outcome")->as_string(), "ok");
  EXPECT_EQ(finished.find("status")->as_int(), 200);
  EXPECT_EQ(finished.find("completion_tokens")->as_int(), 3);
  EXPECT_EQ(finished.find("device_us")->as_int(), 700);
  EXPECT_TRUE(*finished.find("body") == *admitted.find("body"));
  const std::string site_key(daemon_audit::kSiteKeyBytes, '\xaa');
  const auto salt =
      daemon_audit::make_salt(std::string_view(site_key), admitted.find("request")->as_string());
  EXPECT_EQ(finished.find("choices")->as_array()[0].find("text_digest")->as_string(),
            daemon_audit::digest_text(salt, "hello there"));
  EXPECT_THAT(admitted.dump() + finished.dump(), Not(HasSubstr("hello")));
}

TEST_F(GatewayAuditTest, SendsNoByteBeforeTheAdmissionIsDurable) {
  start();
  for (const char* members : {"", kStream}) {
    auditor().hold(true);
    TlsClient client(port());
    ASSERT_TRUE(client.send(chat("hello", members)));
    ASSERT_TRUE(eventually([this] { return auditor().waiting() == 1; }));
    EXPECT_TRUE(eventually([this] { return engine().finished() > 0; })) << "it has its answer";
    EXPECT_FALSE(readable(client, 100)) << members;
    auditor().hold(false);
    EXPECT_EQ(client.receive().status, 200);
  }
}

TEST_F(GatewayAuditTest, SendsNoLastByteBeforeTheOutcomeIsDurable) {
  start(true, 20);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("count 5", kStream)));
  ASSERT_TRUE(client.read_until("1 "));
  auditor().hold(true);
  ASSERT_TRUE(client.read_until(R"("finish_reason":"stop")"));
  ASSERT_TRUE(eventually([this] { return auditor().waiting() == 1; }));
  EXPECT_FALSE(readable(client, 100));
  EXPECT_THAT(client.received(), Not(HasSubstr("[DONE]")));
  auditor().hold(false);
  const HttpAnswer answer = client.receive();
  EXPECT_EQ(streamed_content(answer.body), "1 2 3 4 5 ");
  EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(outcome(), "ok");
}

TEST_F(GatewayAuditTest, AWholeAnswerWaitsForItsOutcomeToo) {
  start(true, 20);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("count 5")));
  ASSERT_TRUE(recorded("request.admitted"));
  auditor().hold(true);
  ASSERT_TRUE(eventually([this] { return auditor().waiting() == 1; }));
  EXPECT_FALSE(readable(client, 100));
  auditor().hold(false);
  EXPECT_EQ(content_of(client.receive()), "1 2 3 4 5 ");
}

TEST_F(GatewayAuditTest, StreamsAreKeptAliveWhileTheirEndIsNotDurable) {
  config().ping_interval_ms = 100;
  start(true, 20);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("count 5", kStream)));
  ASSERT_TRUE(client.read_until("1 "));
  auditor().hold(true);
  ASSERT_TRUE(client.read_until(": ping"));
  auditor().hold(false);
  EXPECT_THAT(client.receive().body, EndsWith("data: [DONE]\n\n"));
}

TEST_F(GatewayAuditTest, AnAdmissionThatIsNotDurableWithinASecondEndsTheRequest) {
  start(true, 1);
  auditor().hold(true);
  const auto begun = steady_clock::now();
  const HttpAnswer answer = ask(chat("wait"));
  const auto took = steady_clock::now() - begun;
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(error_of(answer), (ErrorFields{"server_error", "null", "audit_unavailable"}));
  EXPECT_EQ(answer.header("Retry-After"), "2");
  EXPECT_GE(took, milliseconds(1'000));
  EXPECT_LT(took, milliseconds(2'000));
  EXPECT_TRUE(eventually([this] { return engine().cancels() == 1; })) << "nobody computes on";
  auditor().hold(false);
  ASSERT_TRUE(recorded("request.finished"));
  EXPECT_EQ(outcome(), "audit_unavailable");
  EXPECT_EQ(log().count("request.admitted"), 1u);
  EXPECT_EQ(log().count("request.refused"), 0u);
}

TEST_F(GatewayAuditTest, RefusesWhatIsNewWhileTheAuditorFailsAndTakesItAgainAfterwards) {
  start();
  auditor().say_failing(true, "no space left on device");
  ASSERT_TRUE(eventually([this] { return ask(get("/ready")).status == 503; }));
  EXPECT_THAT(ask(get("/ready")).body, HasSubstr(R"("status":"audit_unavailable")"));
  EXPECT_THAT(ask(get("/ready")).body, HasSubstr("no space left on device"));
  const auto begun = steady_clock::now();
  const HttpAnswer refused = ask(chat("hello"));
  EXPECT_LT(steady_clock::now() - begun, milliseconds(900));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(error_of(refused), (ErrorFields{"server_error", "null", "audit_unavailable"}));
  EXPECT_EQ(ask(get("/v1/models")).status, 200) << "nothing is admitted by it";
  auditor().say_failing(false);
  ASSERT_TRUE(eventually([this] { return ask(get("/ready")).status == 200; }));
  EXPECT_EQ(content_of(ask(chat("hello"))), "hello");
}

TEST_F(GatewayAuditTest, WhatIsUnderWayOutlivesAFailureOfTheLog) {
  start(true, 5);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("count 100", kStream)));
  ASSERT_TRUE(client.read_until("1 "));
  auditor().hold(true);
  auditor().say_failing(true, "input/output error");
  ASSERT_TRUE(client.read_until("100 ")) << "what was admitted goes on";
  auditor().hold(false);
  auditor().say_failing(false);
  EXPECT_THAT(client.receive().body, EndsWith("data: [DONE]\n\n"));
}

TEST_F(GatewayAuditTest, WithoutAnAuditorNothingIsTakenFromTheStart) {
  without_auditor();
  start_unintroduced();
  tell(daemon_ipc::EngineState{daemon_ipc::EngineCondition::kReady, ""});
  const HttpAnswer refused = ask(chat("hello"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(error_of(refused).code, "audit_unavailable");
  EXPECT_EQ(ask("GET /health HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
}

TEST_F(GatewayAuditTest, WithoutAnAuditorForASecondNothingIsTaken) {
  start();
  disconnect_auditor();
  ASSERT_TRUE(eventually([this] { return ask(get("/ready")).status == 503; }));
  EXPECT_EQ(error_of(ask(chat("hello"))).code, "audit_unavailable");
  connect_auditor();
  ASSERT_TRUE(eventually([this] { return ask(get("/ready")).status == 200; }));
  EXPECT_EQ(content_of(ask(chat("hello"))), "hello");
}

TEST_F(GatewayAuditTest, SaysAgainOnceWhatAnAuditorTookToItsGrave) {
  start();
  auditor().hold(true);
  auto answer = std::async(std::launch::async, [this] { return ask(chat("hello")); });
  ASSERT_TRUE(eventually([this] { return auditor().waiting() == 1; }));
  disconnect_auditor();
  EXPECT_EQ(log().count("request.admitted"), 0u);
  connect_auditor();
  EXPECT_EQ(content_of(answer.get()), "hello");
  EXPECT_EQ(log().count("request.admitted"), 1u);
  EXPECT_EQ(log().count("request.finished"), 1u);
}

TEST_F(GatewayAuditTest, DoesNotSayAgainWhatWasAppendedUnsaid) {
  start();
  auditor().fall_silent();
  auto answer = std::async(std::launch::async, [this] { return ask(chat("hello")); });
  ASSERT_TRUE(recorded("request.admitted"));
  disconnect_auditor();
  connect_auditor();
  EXPECT_EQ(content_of(answer.get()), "hello");
  EXPECT_EQ(log().count("request.admitted"), 1u);
  EXPECT_EQ(auditor().received(), 1u) << "the outcome alone";
}

TEST_F(GatewayAuditTest, AClientThatGoesAwayIsRecordedAsThat) {
  start(true, 5);
  {
    TlsClient client(port());
    ASSERT_TRUE(client.send(chat("count 10000", kStream)));
    ASSERT_TRUE(client.read_until(R"("3 ")"));  // the token: the date may end so, too
    client.close(true);
  }
  ASSERT_TRUE(recorded("request.finished"));
  EXPECT_EQ(outcome(), "cancelled");
  EXPECT_GE(only("request.finished").find("completion_tokens")->as_int(), 3);
}

TEST_F(GatewayAuditTest, AClientThatWaitsForNoAnswerIsRecordedAsThatToo) {
  start();
  {
    TlsClient client(port());
    ASSERT_TRUE(client.send(chat("wait")));
    ASSERT_TRUE(recorded("request.admitted"));
    client.close(true);
  }
  ASSERT_TRUE(recorded("request.finished"));
  EXPECT_EQ(outcome(), "cancelled");
  EXPECT_EQ(only("request.finished").find("status")->as_int(), 0);
}

TEST_F(GatewayAuditTest, AnErrorOfTheEngineEndsTheRecord) {
  start();
  EXPECT_EQ(ask(chat("fail")).status, 500);
  EXPECT_EQ(outcome(), "500");
  EXPECT_THAT(ask(chat("fail", kStream)).body, HasSubstr("the engine failed as asked"));
  const auto finished = log().of_type("request.finished");
  ASSERT_EQ(finished.size(), 2u);
  EXPECT_EQ(finished[1].body.find("status")->as_int(), 200) << "the stream had begun";
  EXPECT_EQ(log().count("request.refused"), 0u);
}

TEST_F(GatewayAuditTest, EachAdmittedRequestHasOneEnd) {
  start();
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([this, i] {
      for (int k = 0; k < 12; ++k) {
        TlsClient client(port());
        if (!client.send(
                chat(k % 3 == 2 ? "count 3000" : "hello", (i + k) % 2 == 0 ? kStream : "")))
          continue;
        if (k % 3 == 2) {
          client.close(true);
        } else {
          (void)client.receive();
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  std::map<std::string, int> balance;
  ASSERT_TRUE(eventually([this] {
    const base::Json now = stats();
    return now.find("requests_running")->as_int() == 0 && now.find("audit_pending")->as_int() == 0;
  }));
  EXPECT_GT(log().count("request.admitted"), 20u);
  for (const auto& entry : log().entries()) {
    // Whoever comes while those who left still hold their places is refused, and not admitted.
    if (entry.type == "request.refused") continue;
    const std::string id = entry.body.find("request")->as_string();
    const int before = balance[id];
    balance[id] += entry.type == "request.admitted" ? 1 : -1;
    EXPECT_EQ(before, entry.type == "request.admitted" ? 0 : 1) << id;
  }
  for (const auto& [id, open] : balance) EXPECT_EQ(open, 0) << id;
}

TEST_F(GatewayAuditTest, RecordsWhoIsRefusedAndWhy) {
  start();
  (void)ask(chat("hello", R"(,"surprise":1)"));
  (void)ask(chat("long"));
  (void)ask(get("/nothing"));
  ASSERT_TRUE(recorded("request.refused", 3));
  std::string told;
  for (const auto& entry : log().of_type("request.refused")) {
    told += entry.body.find("endpoint")->as_string() + " " + entry.body.find("status")->dump() +
            " " + entry.body.find("code")->as_string() + "\n";
    EXPECT_EQ(entry.body.find("key")->as_string().size(), 12u);
  }
  EXPECT_EQ(told,
            "/v1/chat/completions 400 unknown_parameter\n"
            "/v1/chat/completions 400 context_length_exceeded\n"
            "/nothing 404 404\n");
  EXPECT_EQ(log().count("request.admitted"), 0u);
}

TEST_F(GatewayAuditTest, RecordsWhoHasNoKey) {
  start();
  (void)ask("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n");
  (void)ask("GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eHg=\r\n\r\n");
  (void)ask("GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key() + "0\r\n\r\n");
  ASSERT_TRUE(recorded("auth.failed", 3));
  std::string reasons;
  for (const auto& entry : log().of_type("auth.failed")) {
    reasons += entry.body.find("reason")->as_string() + " ";
    EXPECT_EQ(entry.body.find("client")->find("address")->as_string(), "127.0.0.1");
    EXPECT_THAT(entry.body.dump(), Not(HasSubstr(key().substr(20))));
  }
  EXPECT_EQ(reasons, "missing malformed unknown ");
}

TEST_F(GatewayAuditTest, CountsManyRefusalsTogether) {
  start();
  TlsClient client(port());
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(client.send(chat("hello", R"(,"surprise":1)")));
    ASSERT_EQ(client.receive().status, 400);
  }
  EXPECT_GE(log().count("request.refused"), 20u);
  EXPECT_LT(log().count("request.refused"), 30u);
  client.close();
  tell(daemon_ipc::Drain{1'000});
  auto heard = hear();
  while (heard && !std::holds_alternative<daemon_ipc::Drained>(*heard)) heard = hear();
  ASSERT_TRUE(heard);
  std::int64_t all = 0;
  for (const auto& entry : log().of_type("request.refused"))
    all += entry.body.find("count")->as_int();
  EXPECT_EQ(all, 60) << "what was only counted is written before the gateway ends";
}

TEST_F(GatewayAuditTest, TellsInMetricsHowItIs) {
  start();
  EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").status, 401);
  ASSERT_EQ(content_of(ask(chat("hello there"))), "hello there");
  (void)ask(chat("hello", R"(,"surprise":1)"));
  HttpAnswer metrics;
  ASSERT_TRUE(eventually([&] {
    metrics = ask(get("/metrics"));
    return metrics.body.find("redoubt_audit_records_total 4\n") != std::string::npos;
  })) << metrics.body;
  EXPECT_EQ(metrics.header("Content-Type"), "text/plain; version=0.0.4");
  for (const char* line :
       {"vllm:prompt_tokens_total{model_name=\"fake/model\"} 3\n",
        "vllm:generation_tokens_total{model_name=\"fake/model\"} 3\n",
        "vllm:request_success_total{model_name=\"fake/model\",finished_reason=\"stop\"} 1\n",
        "vllm:time_to_first_token_seconds_count{model_name=\"fake/model\"} 1\n",
        "redoubt_requests_refused_total{code=\"unknown_parameter\"} 1\n",
        "redoubt_requests_refused_total{code=\"invalid_api_key\"} 1\n", "redoubt_audit_up 1\n",
        "redoubt_audit_failing_seconds 0\n", "redoubt_audit_pending 0\n"}) {
    EXPECT_THAT(metrics.body, HasSubstr(line));
  }
  auditor().say_failing(true, "why");
  EXPECT_TRUE(eventually([this] {
    return ask(get("/metrics")).body.find("redoubt_audit_up 0\n") != std::string::npos;
  }));
  auditor().say_failing(false);
}

TEST_F(GatewayAuditTest, AReloadChangesWhatIsToldOfTexts) {
  start();
  (void)ask(chat("hello"));
  GatewayConfig fresh = config();
  fresh.audit_text = "none";
  tell_config(fresh);
  auto heard = hear();
  ASSERT_TRUE(heard && std::get<daemon_ipc::Reloaded>(*heard).accepted);
  (void)ask(chat("hello"));
  const auto finished = log().of_type("request.finished");
  ASSERT_EQ(finished.size(), 2u);
  EXPECT_NE(finished[0].body.find("body"), nullptr);
  EXPECT_EQ(finished[1].body.find("body"), nullptr);
  fresh.audit_text = "sealed";
  fresh.audit_sealed_to = "no key";
  tell_config(fresh);
  heard = hear();
  EXPECT_FALSE(heard && std::get<daemon_ipc::Reloaded>(*heard).accepted);
}

}  // namespace
}  // namespace daemon_gateway
