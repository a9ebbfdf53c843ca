#include "daemon/ipc/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "tests/daemon/ipc/samples.h"

namespace daemon_ipc {
namespace {

using testing::HasSubstr;

std::vector<std::byte> patched(const Message& message, std::size_t offset, std::vector<int> bytes) {
  auto raw = serialize(message);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    raw.at(offset + i) = static_cast<std::byte>(bytes[i]);
  return raw;
}

std::string error_of(std::span<const std::byte> bytes) {
  const auto parsed = parse(bytes);
  if (parsed.ok()) return "accepted";
  EXPECT_EQ(parsed.error().code, base::ErrorCode::kInvalidInput);
  return parsed.error().message;
}

TEST(Messages, SamplesCoverEveryTypeOnce) {
  const auto all = samples();
  ASSERT_EQ(all.size(), std::variant_size_v<Message>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].index(), i);
    EXPECT_NE(message_name(message_type(all[i])), "unknown");
  }
  EXPECT_EQ(message_name(MessageType{21}), "unknown");
}

TEST(Messages, SurviveARoundTripByteForByte) {
  for (const Message& message : samples()) {
    const auto bytes = serialize(message);
    const auto parsed = parse(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(parsed.value().index(), message.index());
    EXPECT_EQ(serialize(parsed.value()), bytes);
  }
}

TEST(Messages, BeginWithTheNumberOfTheProtocolTable) {
  const std::vector<int> numbers = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                    13, 14, 15, 16, 17, 18, 19, 20, 32, 33, 34, 35,
                                    36, 37, 38, 39, 40, 48, 49, 50, 51, 52, 53, 54};
  const auto all = samples();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto bytes = serialize(all[i]);
    EXPECT_EQ(static_cast<int>(bytes[0]), numbers[i]);
    EXPECT_EQ(static_cast<int>(bytes[1]), 0);
  }
}

// The wire format itself, written out by hand from daemon/PROTOCOL.md.
TEST(Messages, FollowTheFieldOrderOfTheProtocol) {
  const std::vector<unsigned char> expected = {37, 0,                          // type
                                               1,  0, 0,   0,   0, 0, 0,   0,  // id
                                               3,                              // kDenied
                                               2,  0, 'a', 'b', 1, 0, 'p', 3, 0, 'm', 's', 'g'};
  const auto bytes = serialize(Refused{1, base::ErrorCode::kDenied, "ab", "p", "msg"});
  ASSERT_EQ(bytes.size(), expected.size());
  EXPECT_EQ(std::memcmp(bytes.data(), expected.data(), expected.size()), 0);
}

TEST(Messages, KeepEveryFieldOfARequest) {
  const auto parsed = parse(serialize(sample_request_begin()));
  ASSERT_TRUE(parsed.ok());
  const auto& m = std::get<RequestBegin>(parsed.value());
  EXPECT_EQ(m.id, 0x1122334455667788u);
  EXPECT_EQ(m.kind, RequestKind::kCompletion);
  EXPECT_TRUE(m.include_stop_text && m.continue_final_message && m.ignore_end_tokens && m.echo &&
              m.logprobs);
  EXPECT_FALSE(m.add_generation_prompt);
  EXPECT_EQ(m.top_k, -40);
  EXPECT_EQ(m.frequency_penalty, 1.75f);
  EXPECT_EQ(m.presence_penalty, -1.25f);
  EXPECT_EQ(m.repetition_penalty, 1.5f);
  EXPECT_EQ(m.seed, 0xFFFFFFFFFFFFFFFFu);
  EXPECT_EQ(m.body_bytes, 4096u);
}

TEST(Messages, KeepEveryFieldOfAnEvent) {
  const auto parsed = parse(serialize(sample_events()));
  ASSERT_TRUE(parsed.ok());
  const auto& m = std::get<Events>(parsed.value());
  ASSERT_EQ(m.events.size(), 2u);
  EXPECT_EQ(m.events[0].text, "gr\xC3\xBC\xC3\x9F");
  EXPECT_TRUE(m.events[0].prompt);
  EXPECT_EQ(m.events[0].logprob.bytes, "\xFF");
  ASSERT_EQ(m.events[0].top.size(), 2u);
  EXPECT_EQ(m.events[0].top[1].token, 9);
  EXPECT_EQ(m.events[1].finish, EventFinish::kError);
  EXPECT_EQ(m.events[1].cached_prompt_tokens, 8u);
  EXPECT_EQ(m.events[1].error, "the engine ran out of road");
}

bool bytes_are_the_rest(const Message& message) {
  return std::holds_alternative<RequestBody>(message) ||
         std::holds_alternative<SealedPiece>(message);
}

TEST(Messages, RefuseEveryTruncation) {
  for (const Message& message : samples()) {
    if (bytes_are_the_rest(message)) continue;
    const auto bytes = serialize(message);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_FALSE(parse(std::span(bytes).first(length)).ok())
          << message_name(message_type(message)) << " cut to " << length;
    }
  }
}

TEST(Messages, RefuseTruncationInsideTheFixedPartOfABody) {
  const auto bytes = serialize(RequestBody{7, {}});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(parse(std::span(bytes).first(length)).ok());
  }
}

TEST(Messages, RefuseTrailingBytes) {
  for (const Message& message : samples()) {
    if (bytes_are_the_rest(message)) continue;
    auto bytes = serialize(message);
    bytes.push_back(std::byte{0});
    EXPECT_THAT(error_of(bytes), HasSubstr("after the end")) << message_name(message_type(message));
  }
}

TEST(Messages, NameTheBoundOfGpusInUse) {
  const GpusInUse most{std::vector<std::string>(kGpusInUseMax, std::string(kGpuUuidBytesMax, 'G'))};
  const auto whole = parse(serialize(most));
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(std::get<GpusInUse>(whole.value()).uuids, most.uuids);
  EXPECT_THAT(error_of(patched(most, 2, {kGpusInUseMax + 1})),
              HasSubstr("gpus_in_use.count is 17, at most 16"));
  EXPECT_THAT(error_of(patched(GpusInUse{{"GPU"}}, 3, {kGpuUuidBytesMax + 1, 0})),
              HasSubstr("gpus_in_use.uuid"));
  EXPECT_THAT(error_of(patched(GpusInUse{{"GPU"}}, 5, {0xFF})), HasSubstr("not valid UTF-8"));
}

TEST(Messages, RefuseUnknownTypes) {
  for (const int type : {0, 21, 31, 41, 47, 55, 255}) {
    EXPECT_THAT(error_of(patched(Ping{}, 0, {type})), HasSubstr("not known"));
  }
  EXPECT_THAT(error_of(patched(Ping{}, 0, {7, 1})), HasSubstr("message type 263"));
}

TEST(Messages, RefusePacketsOverTheLimit) {
  auto bytes = serialize(RequestBody{1, {}});
  bytes.resize(kMessageBytesMax + 1);
  EXPECT_THAT(error_of(bytes), HasSubstr("65537 bytes, limit 65536"));
}

TEST(Messages, RefuseFlagsThatAreNeitherZeroNorOne) {
  EXPECT_THAT(error_of(patched(Alive{1, true, "{}"}, 10, {2})), HasSubstr("alive.busy is 2"));
  EXPECT_THAT(error_of(patched(sample_request_begin(), 2 + 8 + 8 + 1 + 16, {0xFF})),
              HasSubstr("request_begin.logprobs is 255"));
}

TEST(Messages, RefuseEnumeratorsOutOfRange) {
  EXPECT_THAT(error_of(patched(EngineState{EngineCondition::kReady, ""}, 2, {4})),
              HasSubstr("engine_state.state"));
  EXPECT_THAT(error_of(patched(sample_request_begin(), 18, {2})), HasSubstr("request_begin.kind"));
  EXPECT_THAT(error_of(patched(Refused{1, base::ErrorCode::kDenied, "", "", ""}, 10, {10})),
              HasSubstr("refused.code"));
  Event event;
  EXPECT_THAT(error_of(patched(Events{1, {event}}, 12 + 9, {5})), HasSubstr("event.finish"));
}

TEST(Messages, RefuseNumbersOverTheirLimit) {
  EXPECT_THAT(error_of(patched(sample_request_begin(), 2 + 8 + 8 + 1 + 12, {21, 0, 0, 0})),
              HasSubstr("request_begin.top_logprobs is 21, at most 20"));
  RequestBegin largest;
  largest.body_bytes = kRequestBodyBytesMax;
  auto bytes = serialize(largest);
  ASSERT_TRUE(parse(bytes).ok());
  bytes[bytes.size() - 4] = std::byte{1};
  EXPECT_THAT(error_of(bytes), HasSubstr("request_begin.body_bytes"));
}

TEST(Messages, RefuseFloatsThatAreNotNumbers) {
  const std::size_t temperature = 2 + 8 + 8 + 1 + 16 + 6;
  EXPECT_THAT(error_of(patched(sample_request_begin(), temperature, {0, 0, 0xC0, 0x7F})),
              HasSubstr("request_begin.temperature is not a number"));
}

TEST(Messages, RefuseTextsThatAreNotUtf8) {
  EXPECT_THAT(error_of(patched(EngineState{EngineCondition::kReady, "ab"}, 5, {0xFF})),
              HasSubstr("engine_state.text is not valid UTF-8"));
}

TEST(Messages, AcceptEveryTextAtItsLimit) {
  const auto text = [](std::size_t n) { return std::string(n, 'x'); };
  const std::vector<Message> at_limit = {
      Ready{text(kReportBytesMax)},
      Progress{0, 0, text(kProgressTextBytesMax)},
      Alive{0, false, text(kReportBytesMax)},
      EngineState{EngineCondition::kReady, text(kStateTextBytesMax)},
      Hello{text(kModelIdBytesMax), 0, 0, 0, 0, 0, false, text(kModelDigestBytesMax),
            text(kKernelsBytesMax)},
      Reloaded{false, text(kStateTextBytesMax)},
      Weights{0, text(kWeightsKeyBytesMax)},
      RequestResume{1, 0, std::vector<std::int32_t>(kResumedTokensPerMessageMax)},
      RequestBody{1, std::vector<std::byte>(kBodyChunkBytesMax)},
      Refused{1, base::ErrorCode::kIo, text(64), text(64), text(kErrorTextBytesMax)}};
  for (const Message& message : at_limit) EXPECT_TRUE(parse(serialize(message)).ok());
}

// The length prefix alone is raised: the limit must be named before the missing bytes are.
TEST(Messages, RefuseEveryTextOverItsLimit) {
  EXPECT_THAT(error_of(patched(Ready{"{}"}, 2, {1, 0x40, 0, 0})),
              HasSubstr("ready.report: 16385 bytes, limit 16384"));
  EXPECT_THAT(error_of(patched(Progress{0, 0, "w"}, 18, {129, 0})), HasSubstr("limit 128"));
  EXPECT_THAT(error_of(patched(Alive{0, false, "{}"}, 11, {1, 0x40, 0, 0})),
              HasSubstr("limit 16384"));
  EXPECT_THAT(error_of(patched(EngineState{EngineCondition::kReady, ""}, 3, {1, 1})),
              HasSubstr("limit 256"));
  EXPECT_THAT(error_of(patched(Hello{}, 2, {1, 1})),
              HasSubstr("hello.model_id: 257 bytes, limit 256"));
  EXPECT_THAT(error_of(patched(Refused{}, 11, {65, 0})),
              HasSubstr("refused.api_code: 65 bytes, limit 64"));
  EXPECT_THAT(error_of(patched(Refused{}, 13, {65, 0})), HasSubstr("refused.param"));
  EXPECT_THAT(error_of(patched(Refused{}, 15, {1, 4})),
              HasSubstr("refused.message: 1025 bytes, limit 1024"));
  EXPECT_THAT(error_of(patched(Weights{}, 10, {1, 1})), HasSubstr("weights.key"));
  EXPECT_THAT(error_of(patched(RequestResume{}, 14, {1, 0x20})),
              HasSubstr("request_resume.tokens is 8193, at most 8192"));
  auto body = serialize(RequestBody{1, std::vector<std::byte>(kBodyChunkBytesMax)});
  body.push_back(std::byte{0});
  EXPECT_THAT(error_of(body), HasSubstr("request_body.bytes is 32769 bytes, at most 32768"));
}

TEST(Messages, RefuseTooManyEventsAndAlternatives) {
  Events events{1, std::vector<Event>(kEventsPerMessageMax)};
  EXPECT_TRUE(parse(serialize(events)).ok());
  EXPECT_THAT(error_of(patched(events, 10, {65, 0})), HasSubstr("events.count is 65, at most 64"));
  Event event;
  event.has_logprob = true;
  const std::size_t top_count = 12 + 10 + 2 + 1 + 10;
  EXPECT_THAT(error_of(patched(Events{1, {event}}, top_count, {21})),
              HasSubstr("event.top is 21, at most 20"));
}

TEST(Messages, ACountAloneAllocatesNothing) {
  auto bytes = serialize(Events{1, {}});
  bytes[10] = std::byte{64};  // sixty-four events announced, none there
  EXPECT_THAT(error_of(bytes), HasSubstr("event.choice: needs 4 bytes"));
}

TEST(Messages, TheLargestEventFitsInAMessage) {
  Event event;
  event.finish = EventFinish::kError;
  event.text = std::string(kEventTextBytesMax, 'x');
  event.error = std::string(kErrorTextBytesMax, 'x');
  event.has_logprob = true;
  event.logprob.bytes = std::string(kTokenBytesMax, '\xFF');
  event.top.assign(kTopLogprobsMax, event.logprob);
  EXPECT_LE(event_bytes(event), kEventsBytesMax);
  const auto bytes = serialize(Events{1, {event}});
  EXPECT_EQ(bytes.size(), event_bytes(event) + (kMessageBytesMax - kEventsBytesMax));
  EXPECT_TRUE(parse(bytes).ok());
}

TEST(MessagesDeathTest, WritingOverALimitIsABug) {
  EXPECT_DEATH(serialize(Progress{0, 0, std::string(129, 'x')}), "CHECK failed");
  EXPECT_DEATH(serialize(EngineState{EngineCondition::kReady, "\xFF"}), "CHECK failed");
  EXPECT_DEATH(serialize(Events{1, std::vector<Event>(65)}), "CHECK failed");
}

}  // namespace
}  // namespace daemon_ipc
