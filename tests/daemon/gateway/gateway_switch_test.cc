// One model gives way to the next: what is under way ends as it began, what is new goes to the new
// one, and nobody is turned away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/daemon/gateway/gateway_fixture.h"

namespace daemon_gateway {
namespace {

using testing::HasSubstr;

constexpr char kStream[] = R"(,"stream":true)";
constexpr char kOther[] = "other/model";

std::string count_to(int last, const std::string& voice = "") {
  std::string text;
  for (int i = 1; i <= last; ++i) text += voice + std::to_string(i) + " ";
  return text;
}

class GatewaySwitchTest : public GatewayFixture {
 protected:
  std::unique_ptr<FakeEngine> make_engine(std::uint64_t number, const std::string& model,
                                          int delay_ms = 1) {
    auto ends = daemon_ipc::Channel::create_pair().value();
    tell_channel(ends.first, number);
    return std::make_unique<FakeEngine>(std::move(ends.second), delay_ms, model);
  }
  bool serves(const std::string& model) {
    return eventually([&] { return ask(get("/v1/models")).body.find(model) != std::string::npos; });
  }
  std::string ask_of(const std::string& model, const std::string& prompt) const {
    return post("/v1/chat/completions", R"({"model":")" + model +
                                            R"(","messages":[{"role":"user","content":")" + prompt +
                                            R"("}]})");
  }
  // What the gateway says next of a retiring engine.
  daemon_ipc::Retiring hear_retiring() {
    for (auto heard = hear(); heard; heard = hear()) {
      if (const auto* retiring = std::get_if<daemon_ipc::Retiring>(&*heard)) return *retiring;
    }
    ADD_FAILURE() << "nothing was said of a retiring engine";
    return {};
  }
};

TEST_F(GatewaySwitchTest, AStreamEndsWithTheModelItBeganWithAndNewRequestsGetTheNext) {
  start(true, 2);
  TlsClient old(port());
  ASSERT_TRUE(old.send(chat("count 300", kStream)));
  ASSERT_TRUE(old.read_until("3 "));
  const auto next = make_engine(1, kOther);
  ASSERT_TRUE(serves(kOther));
  const auto retiring = hear_retiring();
  EXPECT_EQ(retiring.engine, 0u);
  EXPECT_EQ(retiring.requests, 1u);
  EXPECT_EQ(content_of(ask(ask_of(kOther, "count 5"))), count_to(5, "#"));
  EXPECT_EQ(streamed_content(old.receive().body), count_to(300));
  EXPECT_EQ(hear_retiring().requests, 0u);
  EXPECT_EQ(next->finished(), 1);
}

TEST_F(GatewaySwitchTest, TheOldNameIsNotFoundFromThenOn) {
  start();
  const auto next = make_engine(1, kOther);
  ASSERT_TRUE(serves(kOther));
  const HttpAnswer answer = ask(ask_of("fake/model", "hello"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(error_of(answer).code, "model_not_found");
}

TEST_F(GatewaySwitchTest, WithoutRequestsTheFormerEngineIsReleasedAtOnce) {
  start();
  const auto next = make_engine(1, kOther);
  EXPECT_EQ(hear_retiring().requests, 0u);
  EXPECT_EQ(content_of(ask(ask_of(kOther, "count 2"))), count_to(2, "#"));
}

// The hello decides, not the channel.
TEST_F(GatewaySwitchTest, UntilTheNextEngineHasSaidHelloNothingChanges) {
  start();
  auto ends = daemon_ipc::Channel::create_pair().value();
  tell_channel(ends.first, 1);
  EXPECT_EQ(content_of(ask(chat("count 3"))), count_to(3));
  const FakeEngine next(std::move(ends.second), 0, kOther);
  EXPECT_TRUE(serves(kOther));
}

TEST_F(GatewaySwitchTest, ARetiringEngineThatDiesIsResumedUnderItsNumber) {
  start(true, 2);
  TlsClient old(port());
  ASSERT_TRUE(old.send(chat("count 300", kStream)));
  ASSERT_TRUE(old.read_until("3 "));
  const auto next = make_engine(1, kOther);
  ASSERT_TRUE(serves(kOther));
  disconnect_engine();
  tell(daemon_ipc::EngineEnded{true, 0});
  const auto again = make_engine(0, "fake/model");
  EXPECT_EQ(streamed_content(old.receive().body), count_to(300));
  EXPECT_EQ(again->finished(), 1);
  EXPECT_EQ(next->finished(), 0);
}

TEST_F(GatewaySwitchTest, WhatIsLeftEndsWhenTheSupervisorGivesTheFormerEngineUp) {
  start(true, 2);
  TlsClient old(port());
  ASSERT_TRUE(old.send(chat("wait", kStream)));
  ASSERT_TRUE(eventually([this] { return stats().find("engine_requests")->as_int() == 1; }));
  const auto next = make_engine(1, kOther);
  ASSERT_TRUE(serves(kOther));
  tell(daemon_ipc::EngineState{daemon_ipc::EngineCondition::kDegraded, "no longer served", 0});
  EXPECT_THAT(old.receive().body, HasSubstr("engine_lost"));
  EXPECT_EQ(ask(get("/ready")).status, 200);
}

TEST_F(GatewaySwitchTest, AGatewayTakesOverTheNumberItHearsFirst) {
  start_unintroduced();
  const auto engine = make_engine(7, kOther);
  tell(daemon_ipc::EngineState{daemon_ipc::EngineCondition::kReady, "", 7});
  EXPECT_EQ(content_of(ask(ask_of(kOther, "count 4"))), count_to(4, "#"));
}

// Whoever holds a model's facts from before the switch is served by that model.
TEST_F(GatewaySwitchTest, NoRequestIsLostHoweverManySwitchesThereAre) {
  start(true, 0);
  std::atomic<bool> over = false;
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!over) {
        const HttpAnswer answer = ask(post(
            "/v1/completions", R"({"model":"fake/model","prompt":"count 20","max_tokens":50})"));
        EXPECT_EQ(answer.status, 200) << answer.body;
        const std::string text = content_of(answer);
        EXPECT_TRUE(text == count_to(20) || text == count_to(20, "#")) << text;
        ++answered;
      }
    });
  }
  std::vector<std::unique_ptr<FakeEngine>> engines;
  for (std::uint64_t number = 1; number <= 8; ++number) {
    engines.push_back(make_engine(number, number % 2 == 1 ? "fake/model@2" : "fake/model", 0));
    while (hear_retiring().requests > 0) {
    }
    while (answered < static_cast<int>(2 * number)) std::this_thread::yield();
  }
  over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GT(answered, 8);
}

}  // namespace
}  // namespace daemon_gateway
