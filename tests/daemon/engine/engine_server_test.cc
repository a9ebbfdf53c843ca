// The engine role's loop, spoken to over socketpairs as the supervisor and the gateway do.
#include "daemon/engine/engine_server.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <map>
#include <thread>

#include "daemon/engine/limits.h"
#include "runtime/chat_template/chat_template.h"
#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_engine {
namespace {

using daemon_ipc::Channel;
using daemon_ipc::Event;
using daemon_ipc::EventFinish;
using daemon_ipc::Message;

constexpr std::size_t kContext = 2048;

std::pair<Channel, base::Fd> make_pair() {
  auto pair = Channel::create_pair();
  EXPECT_TRUE(pair.ok());
  return {Channel(std::move(pair.value().first)), std::move(pair.value().second)};
}

// Waits for the next message; nothing at the end of the channel or after five seconds.
std::optional<Message> next(Channel& channel) {
  for (int i = 0; i < 50; ++i) {
    auto received = channel.receive();
    if (!received.ok()) return std::nullopt;
    if (received.value()) return std::move(received.value()->message);
    pollfd waiting = {channel.fd(), POLLIN, 0};
    ::poll(&waiting, 1, 100);
  }
  ADD_FAILURE() << "the engine says nothing";
  return std::nullopt;
}

// A server on a thread of its own until the test ends.
class EngineServerTest : public testing::Test {
 protected:
  EngineServerTest()
      : decoder_({.vocabulary = 48,
                  .context_tokens_max = kContext,
                  .block_tokens = 16,
                  .blocks = 512,
                  .rows_max = 64,
                  .logit_rows_max = 16}) {
    auto [control, engine_end] = make_pair();
    control_.emplace(std::move(control));
    const runtime::EngineOptions options = {
        .sequences_max = 8, .queue_max = 4, .step_tokens_max = 64};
    engine_ = runtime::Engine::create(options, decoder_, tokenizer_).value();
    config_.model_id = "test-model";
    config_.sequences_max = 8;
    thread_ = std::thread([this, end = std::move(engine_end)]() mutable {
      Channel channel(std::move(end));
      EngineServer server(config_, {*engine_,
                                    {tokenizer_, nullptr, kContext},
                                    clock_,
                                    log_,
                                    nullptr,
                                    "the model",
                                    "the kernels",
                                    "the release"});
      result_ = server.run(channel);
    });
    connect_gateway();
  }

  ~EngineServerTest() override { stop(); }

  void stop() {
    control_.reset();
    if (thread_.joinable()) thread_.join();
  }

  void connect_gateway() {
    auto [gateway, engine_end] = make_pair();
    ASSERT_TRUE(control_->send(daemon_ipc::PeerChannel{}, &engine_end).ok());
    gateway_.emplace(std::move(gateway));
    const auto hello = next(*gateway_);
    ASSERT_TRUE(hello && std::holds_alternative<daemon_ipc::Hello>(*hello));
    EXPECT_EQ(std::get<daemon_ipc::Hello>(*hello).model_id, "test-model");
    EXPECT_EQ(std::get<daemon_ipc::Hello>(*hello).vocabulary, 48U);
    EXPECT_EQ(std::get<daemon_ipc::Hello>(*hello).model_digest, "the model");
    EXPECT_EQ(std::get<daemon_ipc::Hello>(*hello).kernels, "the kernels");
    EXPECT_EQ(std::get<daemon_ipc::Hello>(*hello).release_digest, "the release");
  }

  void send(const Message& message) {
    base::Status sent = gateway_->send(message);
    for (int i = 0; !sent.ok() && i < 5000; ++i) {
      ASSERT_EQ(sent.error().code, base::ErrorCode::kUnavailable);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      sent = gateway_->send(message);
    }
    ASSERT_TRUE(sent.ok());
  }

  // In two pieces, as a long body comes. `resume`: what each choice has emitted.
  void ask(daemon_ipc::RequestBegin begin, const std::string& body,
           const std::vector<std::vector<std::int32_t>>& resume = {}) {
    begin.kind = daemon_ipc::RequestKind::kCompletion;
    begin.body_bytes = static_cast<std::uint32_t>(body.size());
    send(begin);
    for (std::uint32_t choice = 0; choice < resume.size(); ++choice) {
      send(daemon_ipc::RequestResume{begin.id, choice, resume[choice]});
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(body.data());
    send(daemon_ipc::RequestBody{begin.id, {bytes, bytes + 1}});
    send(daemon_ipc::RequestBody{begin.id, {bytes + 1, bytes + body.size()}});
  }

  static daemon_ipc::RequestBegin begin_of(std::uint64_t id, std::uint32_t tokens_max) {
    daemon_ipc::RequestBegin begin;
    begin.id = id;
    begin.tokens_max = tokens_max;
    begin.ignore_end_tokens = true;
    begin.seed = id;
    return begin;
  }

  struct Heard {
    int admitted = 0;
    std::vector<Event> events;
    std::optional<daemon_ipc::Refused> refused;
    std::uint32_t finished = 0;
  };

  // Listens until `choices` choices have finished and `refusals` requests were refused, over all.
  std::map<std::uint64_t, Heard> listen(std::uint32_t choices, std::uint32_t refusals = 0) {
    std::map<std::uint64_t, Heard> heard;
    while (choices > 0 || refusals > 0) {
      auto message = next(*gateway_);
      if (!message) break;
      if (auto* admitted = std::get_if<daemon_ipc::Admitted>(&*message))
        ++heard[admitted->id].admitted;
      if (auto* refused = std::get_if<daemon_ipc::Refused>(&*message)) {
        heard[refused->id].refused = std::move(*refused);
        --refusals;
      }
      auto* events = std::get_if<daemon_ipc::Events>(&*message);
      if (events == nullptr) continue;
      Heard& mine = heard[events->id];
      EXPECT_EQ(mine.admitted, 1) << "events before admitted";
      for (Event& event : events->events) {
        if (event.finish != EventFinish::kNone) {
          ++mine.finished;
          --choices;
        }
        mine.events.push_back(std::move(event));
      }
    }
    return heard;
  }

  runtime::SmallTokenizer tokenizer_;
  runtime::HashDecoder decoder_;
  std::unique_ptr<runtime::Engine> engine_;
  EngineConfig config_;
  base::SystemClock clock_;
  base::Logger log_{"engine", base::LogLevel::kError};
  std::optional<Channel> control_;
  std::optional<Channel> gateway_;
  std::thread thread_;
  base::Status result_;
};

std::string text_of(const std::vector<Event>& events, std::uint32_t choice) {
  std::string text;
  for (const Event& event : events) text += event.choice == choice ? event.text : "";
  return text;
}

TEST_F(EngineServerTest, AnswersRequests) {
  daemon_ipc::RequestBegin begin = begin_of(3, 20);
  begin.choices = 2;
  begin.logprobs = true;
  begin.top_logprobs = 3;
  ask(begin, R"({"prompt":"hello world"})");
  ask(begin_of(4, 7), R"({"prompt_tokens":[7,8,9]})");
  auto heard = listen(3);
  EXPECT_EQ(heard[3].events.size(), 40U);
  EXPECT_EQ(heard[4].events.size(), 7U);
  for (const Event& event : heard[3].events) {
    EXPECT_TRUE(event.has_logprob);
    EXPECT_EQ(event.logprob.token, event.token);
    EXPECT_EQ(event.logprob.bytes, tokenizer_.piece(event.token, true));
    EXPECT_EQ(event.top.size(), 3U);
  }
  const Event& last = heard[4].events.back();
  EXPECT_EQ(last.finish, EventFinish::kLength);
  EXPECT_EQ(last.prompt_tokens, 3U);
  EXPECT_EQ(last.completion_tokens, 7U);
  // The same question again, alone, has the same answer.
  begin.id = 5;
  ask(begin, R"({"prompt":"hello world"})");
  auto again = listen(2);
  for (const std::uint32_t choice : {0U, 1U}) {
    EXPECT_EQ(text_of(again[5].events, choice), text_of(heard[3].events, choice));
  }
}

std::vector<std::int32_t> tokens_of(const std::vector<Event>& events, std::uint32_t choice) {
  std::vector<std::int32_t> tokens;
  for (const Event& event : events) {
    if (event.choice == choice && event.token >= 0 && !event.prompt) tokens.push_back(event.token);
  }
  return tokens;
}

// Whatever a former engine has emitted, what follows is what would have followed.
TEST_F(EngineServerTest, GoesOnWhereAnotherEngineEnded) {
  daemon_ipc::RequestBegin begin = begin_of(1, 12);
  begin.choices = 2;
  begin.logprobs = true;
  ask(begin, R"({"prompt":"hello world"})");
  const std::vector<Event> whole = listen(2)[1].events;
  const auto first = tokens_of(whole, 0);
  const auto second = tokens_of(whole, 1);
  ASSERT_EQ(first.size(), 12U);
  for (const std::size_t done : {1U, 5U, 11U, 12U}) {
    begin.id = 100 + done;
    const std::vector<std::int32_t> emitted(first.begin(), first.begin() + static_cast<long>(done));
    ask(begin, R"({"prompt":"hello world"})", {emitted, {}});
    auto heard = listen(2)[begin.id];
    auto continued = emitted;
    for (const std::int32_t token : tokens_of(heard.events, 0)) continued.push_back(token);
    EXPECT_EQ(continued, first) << done;
    EXPECT_EQ(tokens_of(heard.events, 1), second) << done;
    std::string before;
    std::size_t seen = 0;
    for (const Event& event : whole) {
      if (event.choice == 0 && seen++ < done) before += event.text;
    }
    EXPECT_EQ(before + text_of(heard.events, 0), text_of(whole, 0)) << done;
    for (const Event& event : heard.events) {
      if (event.finish == EventFinish::kNone) continue;
      EXPECT_EQ(event.finish, EventFinish::kLength);
      EXPECT_EQ(event.completion_tokens, 12U);
    }
  }
}

TEST_F(EngineServerTest, AsksForAnotherChannelWhenOneIsLost) {
  gateway_.reset();
  const auto heard = next(*control_);
  EXPECT_TRUE(heard && std::holds_alternative<daemon_ipc::PeerLost>(*heard));
  connect_gateway();
  ask(begin_of(1, 3), R"({"prompt":"hello"})");
  EXPECT_EQ(listen(1)[1].events.size(), 3U);
}

TEST_F(EngineServerTest, DoesNotEchoAgainToAChoiceThatHasBegun) {
  daemon_ipc::RequestBegin begin = begin_of(1, 3);
  begin.choices = 2;
  begin.echo = true;
  ask(begin, R"({"prompt":"abc"})", {{7}, {}});
  const auto heard = listen(2)[1];
  for (const Event& event : heard.events) EXPECT_FALSE(event.prompt && event.choice == 0);
  EXPECT_EQ(text_of(heard.events, 1).rfind("abc", 0), 0U);
}

TEST_F(EngineServerTest, RefusesToResumeMoreThanWasAskedFor) {
  ask(begin_of(1, 2), R"({"prompt":"hello"})", {{7, 8, 9}});
  ASSERT_TRUE(listen(0, 1)[1].refused);
  ask(begin_of(2, 2), R"({"prompt":"hello"})", {{4'800}});
  ASSERT_TRUE(listen(0, 1)[2].refused);
  // A choice that is not there is a breach, after which this gateway is not heard any more.
  daemon_ipc::RequestBegin begin = begin_of(3, 2);
  begin.body_bytes = 10;
  send(begin);
  send(daemon_ipc::RequestResume{3, 1, {7}});
  EXPECT_FALSE(next(*gateway_).has_value());
}

TEST_F(EngineServerTest, EchoesThePrompt) {
  for (const bool logprobs : {false, true}) {
    daemon_ipc::RequestBegin begin = begin_of(logprobs ? 2 : 1, 3);
    begin.echo = true;
    begin.choices = 2;
    begin.logprobs = logprobs;
    ask(begin, R"({"prompt":"abc"})");
    auto heard = listen(2);
    for (const std::uint32_t choice : {0U, 1U}) {
      std::string prompt;
      for (const Event& event : heard[begin.id].events) {
        if (event.choice == choice && event.prompt) prompt += event.text;
      }
      EXPECT_EQ(prompt, "abc");
    }
  }
}

TEST_F(EngineServerTest, RefusesWithReasons) {
  ask(begin_of(1, 5), R"({"prompt":5})");
  ask(begin_of(2, kContext), R"({"prompt":"a"})");
  ask(begin_of(3, 5), "not json");
  daemon_ipc::RequestBegin bad = begin_of(4, 5);
  bad.temperature = -1;
  ask(bad, R"({"prompt":"a"})");
  auto heard = listen(0, 4);
  EXPECT_EQ(heard[2].refused->api_code, "context_length_exceeded");
  EXPECT_EQ(heard[3].refused->code, base::ErrorCode::kInvalidInput);
  EXPECT_EQ(heard[4].refused->message, "temperature is -1, allowed is 0 to 100");
  for (auto& [id, mine] : heard) EXPECT_EQ(mine.admitted, 0);
}

TEST_F(EngineServerTest, CancelsWhatRunsAndWhatStillArrives) {
  ask(begin_of(1, 1000), R"({"prompt":"a"})");
  daemon_ipc::RequestBegin arriving = begin_of(2, 5);
  arriving.kind = daemon_ipc::RequestKind::kCompletion;
  arriving.body_bytes = 100;
  send(arriving);
  send(daemon_ipc::Cancel{2});
  send(daemon_ipc::Cancel{1});
  send(daemon_ipc::Cancel{77});
  auto heard = listen(1);
  EXPECT_EQ(heard[1].events.back().finish, EventFinish::kCancelled);
  EXPECT_FALSE(heard.contains(2));
}

TEST_F(EngineServerTest, TheEndOfTheControlChannelEndsTheLoop) {
  ask(begin_of(1, 1000), R"({"prompt":"a"})");
  stop();
  EXPECT_TRUE(result_.ok());
}

TEST_F(EngineServerTest, AnswersPings) {
  ask(begin_of(1, 5), R"({"prompt":"a"})");
  listen(1);
  ASSERT_TRUE(control_->send(daemon_ipc::Ping{}).ok());
  const auto answer = next(*control_);
  ASSERT_TRUE(answer && std::holds_alternative<daemon_ipc::Alive>(*answer));
  const auto& alive = std::get<daemon_ipc::Alive>(*answer);
  EXPECT_GE(alive.work, 5U);
  EXPECT_FALSE(alive.busy);
  const auto stats = base::Json::parse(alive.stats);
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats.value().find("generated_tokens")->as_int(), 5);
}

TEST_F(EngineServerTest, ANewGatewayMayUseTheSameIds) {
  for (int round = 0; round < 5; ++round) {
    for (std::uint64_t id = 1; id <= 4; ++id) ask(begin_of(id, 1500), R"({"prompt":"a"})");
    connect_gateway();
  }
  ask(begin_of(1, 3), R"({"prompt":"a"})");
  auto heard = listen(1);
  EXPECT_EQ(heard[1].events.size(), 3U);
  ASSERT_EQ(heard.size(), 1U) << "nothing of the former gateway's requests";
}

TEST_F(EngineServerTest, ABreachOfTheProtocolEndsTheConnectionAndNothingElse) {
  const std::vector<Message> breaches = {daemon_ipc::Ping{}, daemon_ipc::Admitted{}, [] {
                                           auto begin = begin_of(1, 5);
                                           begin.body_bytes = kBodyBytesMax + 1;
                                           return begin;
                                         }()};
  for (const Message& breach : breaches) {
    send(breach);
    EXPECT_FALSE(next(*gateway_)) << "the channel is closed";
    connect_gateway();
  }
  send(begin_of(1, 5));
  ask(begin_of(2, 3), R"({"prompt":"a"})");
  EXPECT_EQ(listen(1, 1)[2].events.size(), 3U);
}

TEST_F(EngineServerTest, AGatewayThatDoesNotReadStopsTheComputing) {
  // Answers of some 8 MB, of which nobody reads a byte.
  daemon_ipc::RequestBegin begin = begin_of(0, 600);
  begin.logprobs = true;
  begin.top_logprobs = 20;
  begin.choices = 8;
  for (std::uint64_t id = 1; id <= 4; ++id) {
    begin.id = id;
    ask(begin, R"({"prompt":"a"})");
  }
  std::uint64_t work = 0;
  for (int still = 0; still < 3;) {
    ASSERT_TRUE(control_->send(daemon_ipc::Ping{}).ok());
    const auto answer = next(*control_);
    ASSERT_TRUE(answer);
    const std::uint64_t now = std::get<daemon_ipc::Alive>(*answer).work;
    still = now == work ? still + 1 : 0;
    work = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  EXPECT_LT(work, 2000U) << "it stopped long before the end";
  // Once it is read, everything comes.
  auto heard = listen(32);
  for (std::uint64_t id = 1; id <= 4; ++id) EXPECT_EQ(heard[id].events.size(), 4'800U);
}

TEST_F(EngineServerTest, RefusalsOfAGatewayThatDoesNotReadAreBounded) {
  // Until the engine listens no more: what it would answer has no place.
  daemon_ipc::RequestBegin begin = begin_of(0, 5);
  begin.kind = daemon_ipc::RequestKind::kCompletion;
  bool stopped = false;
  for (std::uint64_t id = 1; id <= 100'000 && !stopped; ++id) {
    begin.id = id;
    base::Status sent = gateway_->send(begin);
    for (int i = 0; i < 300 && !sent.ok(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      sent = gateway_->send(begin);
    }
    stopped = !sent.ok();
  }
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace daemon_engine
