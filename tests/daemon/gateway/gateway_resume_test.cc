// The engine dies; whoever listens does not notice, unless it was their own doing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "tests/daemon/gateway/gateway_fixture.h"

namespace daemon_gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

using GatewayResumeTest = GatewayFixture;

constexpr char kStream[] = R"(,"stream":true)";

std::string count_to(int last) {
  std::string text;
  for (int i = 1; i <= last; ++i) text += std::to_string(i) + " ";
  return text;
}

TEST_F(GatewayResumeTest, AStreamGoesOnWithTheNextEngine) {
  start(true, 1);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("count 400", kStream)));
  ASSERT_TRUE(client.read_until("20 "));
  for (int deaths = 0; deaths < 3; ++deaths) {
    disconnect_engine();
    connect_engine(1);
    ASSERT_TRUE(eventually([this] { return engine().resumes() > 0; }));
    const std::string next = std::to_string(100 * (deaths + 1)) + " ";
    ASSERT_TRUE(client.read_until(next)) << next;
  }
  const HttpAnswer answer = client.receive();
  EXPECT_EQ(streamed_content(answer.body), count_to(400));
  EXPECT_EQ(stats().find("resumed_total")->as_int(), 3);
}

// The engine may be alive at the other end of a channel that broke.
TEST_F(GatewayResumeTest, AsksForAnotherChannelOnceForEachThatIsLost) {
  start();
  disconnect_engine();
  ASSERT_TRUE(eventually([this] { return ask(get("/ready")).status == 503; }));
  (void)stats();
  EXPECT_EQ(wishes(), 1);
  connect_engine();
  connect_engine();
  (void)stats();
  EXPECT_EQ(wishes(), 1) << "one that was replaced is not lost";
}

TEST_F(GatewayResumeTest, AnAnswerThatIsSentWholeIsWhole) {
  start(true, 1);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("count 200", R"(,"n":2,"logprobs":true)")));
  ASSERT_TRUE(eventually([this] { return stats().find("engine_requests")->as_int() == 1; }));
  disconnect_engine();
  connect_engine(1);
  const HttpAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(content_of(answer), count_to(200));
}

TEST_F(GatewayResumeTest, ARequestThatComesMeanwhileWaits) {
  start();
  disconnect_engine();
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("patience")));
  ASSERT_TRUE(eventually([this] { return stats().find("engine_requests")->as_int() == 1; }));
  const HttpAnswer ready = ask(get("/ready"));
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("recovering"));
  EXPECT_EQ(ready.header("Retry-After"), "1");
  connect_engine();
  EXPECT_EQ(content_of(client.receive()), "patience");
}

TEST_F(GatewayResumeTest, WhoLeavesMeanwhileIsForgotten) {
  start();
  disconnect_engine();
  {
    TlsClient client(port());
    ASSERT_TRUE(client.send(chat("patience", kStream)));
    ASSERT_TRUE(eventually([this] { return stats().find("engine_requests")->as_int() == 1; }));
  }
  EXPECT_TRUE(eventually([this] { return stats().find("engine_requests")->as_int() == 0; }));
}

// An engine that the guilty request may end at once.
std::unique_ptr<FakeEngine> replace_engine(const std::function<void(const base::Fd&)>& tell) {
  auto ends = daemon_ipc::Channel::create_pair().value();
  tell(ends.first);
  return std::make_unique<FakeEngine>(std::move(ends.second), 1);
}

TEST_F(GatewayResumeTest, ARequestThatKillsEnginesIsFoundAmongOthersAndEnded) {
  start(true, 1);
  TlsClient innocent(port());
  ASSERT_TRUE(innocent.send(chat("count 300", kStream)));
  ASSERT_TRUE(innocent.read_until("3 "));
  TlsClient guilty(port());
  ASSERT_TRUE(guilty.send(chat("die", kStream)));
  ASSERT_TRUE(guilty.read_until("efgh"));
  std::vector<std::unique_ptr<FakeEngine>> engines;
  const auto ended = [this] { return stats().find("quarantined_total")->as_int() == 1; };
  for (int deaths = 1; deaths < 5 && !ended(); ++deaths) {
    const auto total = stats().find("resumed_total")->as_int();
    engines.push_back(replace_engine([this](const base::Fd& end) { tell_channel(end); }));
    ASSERT_TRUE(eventually([&] {
      return stats().find("resumed_total")->as_int() > total && engines.back()->ended();
    }));
    tell(daemon_ipc::EngineEnded{false});
  }
  EXPECT_LE(engines.size(), 3U);
  const std::string told = guilty.receive().body;
  EXPECT_THAT(told, HasSubstr(R"("content":"efgh")"));
  EXPECT_THAT(told, HasSubstr(R"("code":"request_quarantined")"));
  EXPECT_THAT(told, Not(HasSubstr("[DONE]")));
  connect_engine();
  EXPECT_EQ(streamed_content(innocent.receive().body), count_to(300));
}

TEST_F(GatewayResumeTest, ALoneRequestIsEndedAtTheSecondDeathAndNotTriedAgain) {
  start(true, 1);
  TlsClient guilty(port());
  ASSERT_TRUE(guilty.send(chat("die", kStream)));
  ASSERT_TRUE(guilty.read_until("efgh"));
  tell(daemon_ipc::EngineEnded{false});
  const auto second = replace_engine([this](const base::Fd& end) { tell_channel(end); });
  ASSERT_TRUE(eventually([&second] { return second->ended(); }));
  tell(daemon_ipc::EngineEnded{false});
  EXPECT_THAT(guilty.receive().body, HasSubstr(R"("code":"request_quarantined")"));
  const auto heard = hear();
  ASSERT_TRUE(heard && std::holds_alternative<daemon_ipc::Quarantine>(*heard));
  connect_engine();
  const HttpAnswer again = ask(chat("die", R"(,"seed":5)"));
  EXPECT_EQ(again.status, 422);
  EXPECT_EQ(error_of(again), (ErrorFields{"invalid_request_error", "null", "request_quarantined"}));
  EXPECT_EQ(content_of(ask(chat("alive"))), "alive");
}

// Whoever ends an engine from outside, however often, condemns nobody.
TEST_F(GatewayResumeTest, AnEngineThatSomebodyElseEndsSpeaksAgainstNoRequest) {
  start(true, 1);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("die", kStream)));
  ASSERT_TRUE(client.read_until("efgh"));
  for (int deaths = 0; deaths < 4; ++deaths) {
    tell(daemon_ipc::EngineEnded{true});
    const auto next = replace_engine([this](const base::Fd& end) { tell_channel(end); });
    ASSERT_TRUE(eventually([&next] { return next->ended(); }));
  }
  EXPECT_EQ(stats().find("quarantined_total")->as_int(), 0);
}

// A client that loses patience after each death and asks again does not get around it.
TEST_F(GatewayResumeTest, WhoComesAgainAfterADeathIsStillTheSame) {
  start(true, 1);
  for (int deaths = 0; deaths < 2; ++deaths) {
    TlsClient client(port());
    ASSERT_TRUE(client.send(chat("die", kStream)));
    ASSERT_TRUE(eventually([this] { return engine().ended(); }));
    tell(daemon_ipc::EngineEnded{false});
    client.close();
    ASSERT_TRUE(eventually([this] { return stats().find("engine_requests")->as_int() == 0; }));
    connect_engine(1);
  }
  EXPECT_EQ(ask(chat("die", R"(,"stream":false)")).status, 422);
}

class OtherGateway : public GatewayFixture {
 public:
  using GatewayFixture::ask;
  using GatewayFixture::chat;
  using GatewayFixture::start;
  using GatewayFixture::tell;

 private:
  void TestBody() override {}
};

TEST_F(GatewayResumeTest, ANewGatewayIsToldWhatTheFormerOneFound) {
  std::string digest;
  start(true, 1);
  {
    TlsClient guilty(port());
    ASSERT_TRUE(guilty.send(chat("die", kStream)));
    ASSERT_TRUE(guilty.read_until("efgh"));
    const auto second = replace_engine([this](const base::Fd& end) { tell_channel(end); });
    ASSERT_TRUE(eventually([&second] { return second->ended(); }));
    tell(daemon_ipc::EngineEnded{false});
    const auto heard = hear();
    ASSERT_TRUE(heard && std::holds_alternative<daemon_ipc::Quarantine>(*heard));
    digest = std::get<daemon_ipc::Quarantine>(*heard).digest;
  }
  OtherGateway other;
  other.start();
  other.tell(daemon_ipc::Quarantine{digest});
  EXPECT_EQ(other.ask(other.chat("die")).status, 422);
}

// A gateway that replaces another while the engine goes on: nobody is told that there is none.
TEST_F(GatewayResumeTest, WhoComesBeforeTheIntroductionWaitsForIt) {
  start_unintroduced();
  tell(daemon_ipc::EngineState{daemon_ipc::EngineCondition::kReady, ""});
  auto answer = std::async(std::launch::async, [this] { return ask(chat("hello")); });
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  connect_engine();
  EXPECT_EQ(content_of(answer.get()), "hello");
}

TEST_F(GatewayResumeTest, NobodyWaitsForAnEngineThatKeepsFailing) {
  start(true, 1);
  TlsClient client(port());
  ASSERT_TRUE(client.send(chat("count 100000", kStream)));
  ASSERT_TRUE(client.read_until("20 "));
  disconnect_engine();
  tell(daemon_ipc::EngineState{daemon_ipc::EngineCondition::kDegraded, "the engine keeps failing"});
  EXPECT_THAT(client.receive().body, HasSubstr(R"("code":"engine_lost")"));
  const HttpAnswer refused = ask(chat("anybody?"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(error_of(refused).code, "degraded");
  EXPECT_EQ(refused.header("Retry-After"), "60");
  EXPECT_THAT(ask(get("/ready")).body, HasSubstr(R"("status":"degraded")"));
  connect_engine();
  EXPECT_EQ(content_of(ask(chat("alive"))), "alive");
}

}  // namespace
}  // namespace daemon_gateway
