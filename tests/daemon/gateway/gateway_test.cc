// The gateway as its clients, its engine and its supervisor see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/daemon/gateway/gateway_fixture.h"

namespace daemon_gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

using GatewayTest = GatewayFixture;

TEST_F(GatewayTest, AnswersAChatRequestWhole) {
  start();
  const HttpAnswer answer = ask(chat("hello there"));
  EXPECT_EQ(content_of(answer), "hello there");
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_THAT(answer.header("x-request-id"), testing::StartsWith("req-"));
  EXPECT_FALSE(answer.header("Date").empty());
  EXPECT_THAT(answer.body,
              HasSubstr(R"("usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6,)"
                        R"("prompt_tokens_details":{"cached_tokens":1}})"));
  EXPECT_THAT(answer.body, HasSubstr(R"("object":"chat.completion")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("finish_reason":"stop")"));
}

TEST_F(GatewayTest, StreamsTheSameText) {
  start();
  const HttpAnswer answer = ask(chat("gr\xc3\xbc\xc3\x9f Gott, hello",
                                     R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "text/event-stream");
  EXPECT_EQ(streamed_content(answer.body), "gr\xc3\xbc\xc3\x9f Gott, hello");
  EXPECT_THAT(answer.body, HasSubstr(R"("choices":[],"usage":{"prompt_tokens":3,)"));
  EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
}

TEST_F(GatewayTest, AnswersCompletionsForManyPromptsAndChoices) {
  start();
  const HttpAnswer answer = ask(post(
      "/v1/completions",
      R"({"model":"fake/model","prompt":["abcdefgh","xy"],"n":2,"max_tokens":1,"logprobs":1})"));
  const auto json = base::Json::parse(answer.body);
  ASSERT_TRUE(json.ok());
  const auto& choices = json.value().find("choices")->as_array();
  ASSERT_EQ(choices.size(), 4u);
  EXPECT_EQ(choices[1].find("text")->as_string(), "abcd");
  EXPECT_EQ(choices[1].find("finish_reason")->as_string(), "length");
  EXPECT_EQ(choices[2].find("text")->as_string(), "xy");
  EXPECT_EQ(choices[3].find("index")->as_int(), 3);
  EXPECT_EQ(choices[3].find("finish_reason")->as_string(), "stop");
  EXPECT_EQ(choices[0].find("logprobs")->find("tokens")->dump(), R"(["abcd"])");
}

TEST_F(GatewayTest, DrawsASeedWhenNoneIsGiven) {
  start();
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 3; ++i) {
    ask(chat("a"));
    seeds.insert(engine().last_seed());
  }
  EXPECT_EQ(seeds.size(), 3u);
  ask(chat("a", R"(,"seed":5)"));
  EXPECT_EQ(engine().last_seed(), 5u);
}

TEST_F(GatewayTest, ListsAndFindsTheModel) {
  start();
  EXPECT_THAT(
      ask(get("/v1/models")).body,
      HasSubstr(
          R"({"object":"list","data":[{"id":"fake/model","object":"model","created":1700000000,)"));
  EXPECT_EQ(ask(get("/v1/models/fake%2Fmodel")).status, 200);
  EXPECT_EQ(ask(get("/v1/models/fake/model")).status, 200);
  const HttpAnswer unknown = ask(get("/v1/models/..%2Ffake"));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(error_of(unknown), (ErrorFields{"invalid_request_error", "model", "model_not_found"}));
}

TEST_F(GatewayTest, IsAliveWithoutAnEngineAndReadyWithOne) {
  start(false);
  const std::string bare = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(ask(bare).body, R"({"status":"ok"})");
  tell(daemon_ipc::EngineState{daemon_ipc::EngineCondition::kStarting, "loading weights"});
  ASSERT_TRUE(eventually(
      [this] { return ask(get("/ready")).body.find("loading weights") != std::string::npos; }));
  const HttpAnswer refused = ask(chat("a"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(error_of(refused), (ErrorFields{"server_error", "null", "starting"}));
  EXPECT_EQ(refused.header("Retry-After"), "5");
  connect_engine();
  EXPECT_EQ(content_of(ask(chat("back"))), "back");
}

TEST_F(GatewayTest, WantsAKeyBeforeItLooksAtAnythingElse) {
  start();
  for (const std::string& request :
       {std::string("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"),
        std::string("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"),
        "GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " + key() + "\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key() + "0\r\n\r\n",
        std::string(
            "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")}) {
    const HttpAnswer answer = ask(request);
    EXPECT_EQ(answer.status, 401) << request;
    EXPECT_EQ(error_of(answer), (ErrorFields{"invalid_request_error", "null", "invalid_api_key"}));
    EXPECT_EQ(answer.header("WWW-Authenticate"), "Bearer");
  }
}

TEST_F(GatewayTest, SaysWhatIsWrongInTheErrorBody) {
  start();
  EXPECT_EQ(error_of(ask(chat("a", R"(,"surprise":1)"))),
            (ErrorFields{"invalid_request_error", "surprise", "unknown_parameter"}));
  EXPECT_EQ(error_of(ask(chat("long"))),
            (ErrorFields{"invalid_request_error", "messages", "context_length_exceeded"}));
  EXPECT_EQ(ask(chat("long")).status, 400);
  const HttpAnswer full = ask(chat("full"));
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.header("Retry-After"), "1") << "requests have been short so far";
  EXPECT_EQ(ask(get("/nothing")).status, 404);
  const HttpAnswer method = ask(get("/v1/completions"));
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.header("Allow"), "POST");
}

TEST_F(GatewayTest, ServesManyRequestsOfOneConnection) {
  start();
  TlsClient client(port());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(
        client.send(chat("turn " + std::to_string(i), i % 2 == 0 ? "" : R"(,"stream":true)")));
    const HttpAnswer answer = client.receive();
    ASSERT_EQ(i % 2 == 0 ? content_of(answer) : streamed_content(answer.body),
              "turn " + std::to_string(i));
    ASSERT_EQ(answer.header("Connection"), "");
  }
}

TEST_F(GatewayTest, AnswersPipelinedRequestsInOrder) {
  start();
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("one") + get("/health") + chat("three", R"(,"stream":true)") +
                          chat("four")));
  EXPECT_EQ(content_of(client.receive()), "one");
  EXPECT_EQ(client.receive().body, R"({"status":"ok"})");
  EXPECT_EQ(streamed_content(client.receive().body), "three");
  EXPECT_EQ(content_of(client.receive()), "four");
}

TEST_F(GatewayTest, ClosesWhenTheClientAsksTo) {
  start();
  TlsClient client(port());
  ASSERT_TRUE(client.send("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(client.receive().header("Connection"), "close");
  EXPECT_TRUE(client.at_end());
}

TEST_F(GatewayTest, SpeaksHttp10WithoutChunks) {
  start();
  std::string request = chat("old friend", R"(,"stream":true)");
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  const HttpAnswer answer = ask(request);
  EXPECT_EQ(answer.header("Transfer-Encoding"), "");
  EXPECT_EQ(streamed_content(answer.body), "old friend");
}

TEST_F(GatewayTest, TakesChunkedBodiesAndExpectations) {
  start();
  TlsClient client(port());
  const std::string whole = chat("in pieces");
  const std::string body = whole.substr(whole.find("\r\n\r\n") + 4);
  const std::string head =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key() +
      "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nExpect: "
      "100-continue\r\n\r\n";
  ASSERT_TRUE(client.send(head));
  EXPECT_EQ(client.receive().status, 100);
  for (const char c : body) ASSERT_TRUE(client.send(std::string("1\r\n") + c + "\r\n"));
  ASSERT_TRUE(client.send("0\r\n\r\n"));
  EXPECT_EQ(content_of(client.receive()), "in pieces");
}

TEST_F(GatewayTest, CancelsWhatItsClientNoLongerReads) {
  start(true, 1);
  for (const bool reset : {false, true}) {
    for (const char* members : {R"(,"stream":true)", ""}) {
      const int before = engine().cancels();
      TlsClient client(port());
      ASSERT_TRUE(client.send(chat("count 100000", members)));
      if (*members != '\0') {
        ASSERT_TRUE(client.read_until("17 "));
      } else {
        ASSERT_TRUE(eventually([this] { return stats().find("engine_requests")->as_int() == 1; }));
      }
      client.close(reset);
      EXPECT_TRUE(eventually([this, before] { return engine().cancels() == before + 1; }))
          << reset << members;
    }
  }
  EXPECT_EQ(content_of(ask(chat("still here"))), "still here");
}

TEST_F(GatewayTest, AnswersAClientThatFinishedSending) {
  start(true, 1);
  for (const char* members : {R"(,"stream":true)", ""}) {
    TlsClient client(port());
    ASSERT_TRUE(client.send(chat("count 50", members)));
    client.shutdown_write();
    const HttpAnswer answer = client.receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr(*members != '\0' ? "[DONE]" : "49 50 "));
  }
  EXPECT_EQ(engine().cancels(), 0);
}

TEST_F(GatewayTest, PingsWhileTheEngineIsSilent) {
  config().ping_interval_ms = 100;
  start();
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("wait", R"(,"stream":true)")));
  EXPECT_TRUE(client.read_until(": ping\n\n"));
}

TEST_F(GatewayTest, EndsARequestThatTakesTooLong) {
  config().request_timeout_ms = 200;
  start();
  EXPECT_EQ(ask(chat("wait")).status, 408);
  const HttpAnswer stream = ask(chat("wait", R"(,"stream":true)"));
  EXPECT_EQ(stream.status, 200);
  EXPECT_THAT(stream.body, HasSubstr("data: {\"error\":{"));
  EXPECT_TRUE(eventually([this] { return engine().cancels() == 2; }));
}

TEST_F(GatewayTest, TellsAStreamWhenTheEngineFails) {
  start(true, 1);
  const HttpAnswer failed = ask(chat("fail", R"(,"stream":true)"));
  EXPECT_THAT(failed.body, HasSubstr(R"("content":"efgh")"));
  EXPECT_THAT(
      failed.body,
      EndsWith(
          "data: {\"error\":{\"message\":\"the engine failed as asked\",\"type\":\"server_error\","
          "\"param\":null,\"code\":null}}\n\n"));
  EXPECT_EQ(ask(chat("fail")).status, 500);
}

TEST_F(GatewayTest, RefusesMoreRequestsThanItHasSlotsAndStaysAlive) {
  config().requests_max = 2;
  start();
  TlsClient first(port());
  TlsClient second(port());
  for (TlsClient* client : {&first, &second}) {
    ASSERT_TRUE(client->send(chat("wait", R"(,"stream":true)")));
    ASSERT_TRUE(client->read_until("assistant"));
  }
  const HttpAnswer answer = ask(chat("third"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "2");
  EXPECT_EQ(ask(get("/health")).status, 200);
  first.close();
  EXPECT_TRUE(eventually([this] { return ask(chat("third")).status == 200; }));
}

TEST_F(GatewayTest, DrainsWhatRunsAndTakesNothingNew) {
  start(true, 2);
  TlsClient busy(port());
  TlsClient idle(port());
  ASSERT_TRUE(busy.send(chat("count 100", R"(,"stream":true)")));
  ASSERT_TRUE(busy.read_until("2 "));
  tell(daemon_ipc::Drain{10'000});
  EXPECT_TRUE(idle.at_end());
  const HttpAnswer answer = busy.receive();
  EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
  const auto heard = hear();
  EXPECT_TRUE(heard && std::holds_alternative<daemon_ipc::Drained>(*heard));
}

TEST_F(GatewayTest, IsNotHeldToBeStuckWhileAnAnswerTakesItsTime) {
  start();
  TlsClient waiting(port());
  ASSERT_TRUE(waiting.send(chat("wait", R"(,"stream":true)")));
  ASSERT_TRUE(waiting.read_until("assistant"));
  tell(daemon_ipc::Ping{});
  const auto heard = hear();
  ASSERT_TRUE(heard && std::holds_alternative<daemon_ipc::Alive>(*heard));
  EXPECT_FALSE(std::get<daemon_ipc::Alive>(*heard).busy);
}

TEST_F(GatewayTest, CutsOffWhatOutlastsTheDrain) {
  start();
  TlsClient busy(port());
  ASSERT_TRUE(busy.send(chat("wait", R"(,"stream":true)")));
  ASSERT_TRUE(busy.read_until("assistant"));
  tell(daemon_ipc::Drain{100});
  const auto heard = hear();
  EXPECT_TRUE(heard && std::holds_alternative<daemon_ipc::Drained>(*heard));
  EXPECT_TRUE(eventually([this] { return engine().cancels() == 1; }));
}

}  // namespace
}  // namespace daemon_gateway
