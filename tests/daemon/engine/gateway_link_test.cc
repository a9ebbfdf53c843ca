#include "daemon/engine/gateway_link.h"

#include <gtest/gtest.h>

#include "daemon/engine/limits.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_engine {
namespace {

using daemon_ipc::Channel;

class EventPackerTest : public testing::Test {
 protected:
  EventPackerTest() {
    auto pair = Channel::create_pair();
    EXPECT_TRUE(pair.ok());
    link_.connect(std::move(pair.value().first));
    peer_.emplace(std::move(pair.value().second));
  }

  std::vector<daemon_ipc::Events> received() {
    packer_.flush();
    EXPECT_TRUE(link_.flush().ok());
    std::vector<daemon_ipc::Events> all;
    for (;;) {
      auto message = peer_->receive();
      if (!message.ok() || !message.value()) return all;
      all.push_back(std::get<daemon_ipc::Events>(std::move(message.value()->message)));
      EXPECT_TRUE(link_.flush().ok());
    }
  }

  static runtime::GenerationEvent event_of(std::uint64_t request, std::string text) {
    runtime::GenerationEvent event;
    event.request = request;
    event.token = runtime::SmallTokenizer::kLetterA;
    event.text = std::move(text);
    return event;
  }

  runtime::SmallTokenizer tokenizer_;
  GatewayLink link_;
  EventPacker packer_{tokenizer_, link_};
  std::optional<Channel> peer_;
};

TEST_F(EventPackerTest, PutsEventsOfOneRequestTogether) {
  packer_.add(event_of(1, "a"));
  packer_.add(event_of(1, "b"));
  packer_.add(event_of(2, "c"));
  packer_.add(event_of(1, "d"));
  const auto messages = received();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0].events.size(), 2U);
  EXPECT_EQ(messages[1].id, 2U);
  EXPECT_EQ(messages[2].id, 1U);
}

TEST_F(EventPackerTest, CutsTextThatIsLongerThanAnEvent) {
  std::string text = "x";
  while (text.size() < 3 * daemon_ipc::kEventTextBytesMax) text += "\xE2\x82\xAC";
  runtime::GenerationEvent event = event_of(1, text);
  event.finish = runtime::FinishReason::kStop;
  packer_.add(event);
  std::string whole;
  int tokens = 0;
  int endings = 0;
  for (const auto& message : received()) {
    for (const auto& part : message.events) {
      whole += part.text;
      tokens += part.token >= 0 ? 1 : 0;
      endings += part.finish != daemon_ipc::EventFinish::kNone ? 1 : 0;
    }
  }
  EXPECT_EQ(whole, text);
  EXPECT_EQ(tokens, 1);
  EXPECT_EQ(endings, 1);
}

TEST_F(EventPackerTest, TellsDeviceTimeInMicroseconds) {
  for (const std::int64_t ns : {0, 499, 500, 1'999'999}) {
    auto event = event_of(1, "");
    event.finish = runtime::FinishReason::kStop;
    event.device_ns = ns;
    packer_.add(event);
  }
  const auto messages = received();
  ASSERT_EQ(messages.size(), 1U);
  ASSERT_EQ(messages[0].events.size(), 4U);
  EXPECT_EQ(messages[0].events[0].device_us, 0U);
  EXPECT_EQ(messages[0].events[1].device_us, 0U);
  EXPECT_EQ(messages[0].events[2].device_us, 1U);
  EXPECT_EQ(messages[0].events[3].device_us, 2'000U);
}

TEST_F(EventPackerTest, TheLargestEventsFitIntoMessages) {
  runtime::GenerationEvent event = event_of(1, std::string(daemon_ipc::kEventTextBytesMax, 'x'));
  event.has_logprob = true;
  event.logprob = {1, -1.0F};
  event.top.assign(daemon_ipc::kTopLogprobsMax, {1, -1.0F});
  for (int i = 0; i < 20; ++i) packer_.add(event);
  std::size_t events = 0;
  for (const auto& message : received()) events += message.events.size();
  EXPECT_EQ(events, 20U);
}

TEST_F(EventPackerTest, IsFullUntilThePeerReads) {
  EXPECT_FALSE(link_.is_full());
  while (!link_.is_full()) {
    packer_.add(event_of(1, std::string(10'000, 'x')));
    packer_.flush();
  }
  received();
  EXPECT_FALSE(link_.is_full());
  EXPECT_FALSE(link_.wants_write());
}

TEST(WholeCharacters, NeverCutsACharacter) {
  const std::string text = "a\xE2\x82\xAC";
  EXPECT_EQ(whole_characters(text, 4), text);
  EXPECT_EQ(whole_characters(text, 3), "a");
  EXPECT_EQ(whole_characters(text, 1), "a");
  EXPECT_EQ(whole_characters(text, 0), "");
}

}  // namespace
}  // namespace daemon_engine
