// What an engine said about each choice, in a form that can be compared to the last bit.
#ifndef TESTS_RUNTIME_ENGINE_TRANSCRIPT_H_
#define TESTS_RUNTIME_ENGINE_TRANSCRIPT_H_

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "hardening/base/utf8.h"
#include "runtime/engine/engine.h"

namespace runtime {

struct Line {
  TokenId token = kNoToken;
  bool prompt = false;
  std::string text;
  bool has_logprob = false;
  std::uint32_t logprob_bits = 0;
  std::vector<std::pair<TokenId, std::uint32_t>> top;

  friend bool operator==(const Line&, const Line&) = default;
};

struct Transcript {
  std::vector<Line> lines;
  FinishReason finish = FinishReason::kNone;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;
  std::uint32_t cached_prompt_tokens = 0;  // not compared: it depends on what came before
  std::string error;

  std::string text() const {
    std::string out;
    for (const Line& line : lines) out += line.prompt ? "" : line.text;
    return out;
  }
  std::string prompt_text() const {
    std::string out;
    for (const Line& line : lines) out += line.prompt ? line.text : "";
    return out;
  }
  std::vector<TokenId> tokens() const {
    std::vector<TokenId> out;
    for (const Line& line : lines) {
      if (!line.prompt && line.token != kNoToken) out.push_back(line.token);
    }
    return out;
  }
  friend bool operator==(const Transcript& a, const Transcript& b) {
    return a.lines == b.lines && a.finish == b.finish && a.prompt_tokens == b.prompt_tokens &&
           a.completion_tokens == b.completion_tokens && a.error == b.error;
  }
};

using ChoiceKey = std::pair<std::uint64_t, std::uint32_t>;
using Transcripts = std::map<ChoiceKey, Transcript>;

// Adds an event to its transcript and checks what holds of every event.
inline void record(Transcripts& transcripts, const GenerationEvent& event) {
  Transcript& transcript = transcripts[{event.request, event.choice}];
  EXPECT_EQ(transcript.finish, FinishReason::kNone) << "an event after the last one";
  EXPECT_TRUE(base::is_utf8(event.text));
  Line line = {event.token, event.prompt, event.text, event.has_logprob, 0, {}};
  if (event.has_logprob) {
    EXPECT_EQ(event.logprob.token, event.token);
    line.logprob_bits = std::bit_cast<std::uint32_t>(event.logprob.logprob);
  }
  for (const TokenLogprob& top : event.top) {
    line.top.emplace_back(top.token, std::bit_cast<std::uint32_t>(top.logprob));
  }
  transcript.lines.push_back(std::move(line));
  transcript.finish = event.finish;
  transcript.prompt_tokens = event.prompt_tokens;
  transcript.completion_tokens = event.completion_tokens;
  transcript.cached_prompt_tokens = event.cached_prompt_tokens;
  transcript.error = event.error;
}

// One step; checks that events come by request and choice.
inline void run_step(Engine& engine, Transcripts& transcripts) {
  ChoiceKey last = {0, 0};
  const base::Status status = engine.step([&](const GenerationEvent& event) {
    const ChoiceKey key = {event.request, event.choice};
    EXPECT_LE(last, key);
    last = key;
    record(transcripts, event);
  });
  ASSERT_TRUE(status.ok()) << status.error().message;
}

// Steps until nothing is left to do. Fails when that takes too long.
inline void run_all(Engine& engine, Transcripts& transcripts, int steps_max = 100'000) {
  while (engine.has_work() && steps_max-- > 0) run_step(engine, transcripts);
  ASSERT_FALSE(engine.has_work()) << "the engine does not get done";
}

}  // namespace runtime

#endif  // TESTS_RUNTIME_ENGINE_TRANSCRIPT_H_
