#include "runtime/engine/engine.h"

#include <gtest/gtest.h>

#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"
#include "tests/runtime/engine/transcript.h"

namespace runtime {
namespace {

constexpr TokenId kA = SmallTokenizer::kLetterA;

const DecoderShape kShape = {.vocabulary = 48,
                             .context_tokens_max = 128,
                             .block_tokens = 4,
                             .blocks = 64,
                             .rows_max = 32,
                             .logit_rows_max = 8};
const EngineOptions kOptions = {.sequences_max = 4, .queue_max = 8, .step_tokens_max = 32};

class EngineTest : public testing::Test {
 protected:
  EngineTest() { make(kShape, kOptions); }

  void make(const DecoderShape& shape, const EngineOptions& options) {
    decoder_ = std::make_unique<HashDecoder>(shape);
    auto engine = Engine::create(options, *decoder_, tokenizer_);
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    engine_ = std::move(engine).value();
  }

  static GenerationRequest greedy(std::uint64_t id, std::vector<TokenId> prompt,
                                  std::uint32_t tokens_max) {
    GenerationRequest request;
    request.id = id;
    request.prompt = std::move(prompt);
    request.tokens_max = tokens_max;
    request.ignore_end_tokens = true;
    request.sampling.temperature = 0;
    return request;
  }

  Transcript run(GenerationRequest request) {
    const std::uint64_t id = request.id;
    const base::Status status = engine_->submit(std::move(request));
    EXPECT_TRUE(status.ok()) << status.error().message;
    run_all(*engine_, transcripts_);
    return transcripts_[{id, 0}];
  }

  base::Error refusal(GenerationRequest request) {
    const base::Status status = engine_->submit(std::move(request));
    EXPECT_FALSE(status.ok());
    return status.ok() ? base::corrupt("") : status.error();
  }

  SmallTokenizer tokenizer_;
  std::unique_ptr<HashDecoder> decoder_;
  std::unique_ptr<Engine> engine_;
  Transcripts transcripts_;
};

// What greedy decoding is, written down without an engine.
std::vector<TokenId> continue_greedily(std::vector<TokenId> tokens, std::size_t count) {
  std::vector<TokenId> made;
  for (; count > 0; --count) {
    const std::vector<float> logits = hash_logits(tokens, kShape.vocabulary);
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    made.push_back(static_cast<TokenId>(best));
    tokens.push_back(made.back());
  }
  return made;
}

TEST_F(EngineTest, DecodesGreedily) {
  const std::vector<TokenId> prompt = {0, 7, 8, 9, 10, 11};
  const Transcript transcript = run(greedy(1, prompt, 50));
  EXPECT_EQ(transcript.tokens(), continue_greedily(prompt, 50));
  EXPECT_EQ(transcript.finish, FinishReason::kLength);
  EXPECT_EQ(transcript.prompt_tokens, 6U);
  EXPECT_EQ(transcript.completion_tokens, 50U);
  EXPECT_EQ(transcript.cached_prompt_tokens, 0U);
}

TEST_F(EngineTest, NeverDrawsThePaddingBehindTheVocabulary) {
  DecoderShape padded = kShape;
  padded.vocabulary = 1000;
  make(padded, kOptions);
  const std::vector<TokenId> prompt = {0, 7, 8, 9, 10, 11};
  GenerationRequest request = greedy(1, prompt, 20);
  request.logprobs = true;
  request.top_logprobs = 20;
  const Transcript transcript = run(request);
  EXPECT_EQ(transcript.tokens(), continue_greedily(prompt, 20));
  for (const auto& [token, bits] : transcript.lines[0].top) EXPECT_LT(token, 48);
}

TEST_F(EngineTest, CutsLongPromptsIntoChunks) {
  make(kShape, {.sequences_max = 4, .queue_max = 8, .step_tokens_max = 5});
  std::vector<TokenId> prompt(60, kA);
  prompt[30] = kA + 1;
  EXPECT_EQ(run(greedy(1, prompt, 10)).tokens(), continue_greedily(prompt, 10));
  EXPECT_EQ(decoder_->forwards(), 12U + 9U);
  EXPECT_EQ(decoder_->rows_of_step_max(), 5U);
}

TEST_F(EngineTest, GenerationGoesOnWhileALongPromptIsComputed) {
  make(kShape, {.sequences_max = 4, .queue_max = 8, .step_tokens_max = 4});
  ASSERT_TRUE(engine_->submit(greedy(1, {0, kA}, 30)).ok());
  run_step(*engine_, transcripts_);
  ASSERT_TRUE(engine_->submit(greedy(2, std::vector<TokenId>(60, kA), 5)).ok());
  for (int i = 0; i < 10; ++i) run_step(*engine_, transcripts_);
  EXPECT_EQ((transcripts_[{1, 0}].lines.size()), 11U) << "one token in every step";
  run_all(*engine_, transcripts_);
}

TEST_F(EngineTest, FindsTheBeginningOfAPromptInTheCache) {
  const std::vector<TokenId> prompt = {0, 7, 8, 9, 10, 11, 12, 13, 14};
  const Transcript first = run(greedy(1, prompt, 10));
  const std::size_t rows = decoder_->rows();
  const Transcript second = run(greedy(2, prompt, 10));
  EXPECT_EQ(second.cached_prompt_tokens, 8U);
  EXPECT_EQ(decoder_->rows() - rows, rows - 8);
  EXPECT_EQ(first, second);
  EXPECT_EQ(engine_->stats().cached_prompt_tokens, 8U);
  EXPECT_EQ(engine_->stats().blocks_used, 0U);
  EXPECT_GT(engine_->stats().blocks_cached, 0U);
}

TEST_F(EngineTest, LeavesTheLastPromptTokenToCompute) {
  const std::vector<TokenId> prompt = {0, 7, 8, 9, 10, 11, 12, 13};  // two whole blocks
  const Transcript first = run(greedy(1, prompt, 10));
  const Transcript second = run(greedy(2, prompt, 10));
  EXPECT_EQ(second.cached_prompt_tokens, 4U);
  EXPECT_EQ(first, second);
}

TEST_F(EngineTest, FindsWhatItMadeItselfInTheCache) {
  std::vector<TokenId> prompt = {0, 7, 8};
  const std::vector<TokenId> made = run(greedy(1, prompt, 10)).tokens();
  prompt.insert(prompt.end(), made.begin(), made.end());
  const Transcript next_turn = run(greedy(2, prompt, 5));
  EXPECT_EQ(next_turn.cached_prompt_tokens, 12U);
  EXPECT_EQ(next_turn.tokens(), continue_greedily(prompt, 5));
}

TEST_F(EngineTest, DoesNotShareTheCacheBetweenTenants) {
  const std::vector<TokenId> prompt = {0, 7, 8, 9, 10, 11, 12, 13, 14};
  run(greedy(1, prompt, 4));
  GenerationRequest other = greedy(2, prompt, 4);
  other.tenant = 5;
  EXPECT_EQ(run(std::move(other)).cached_prompt_tokens, 0U);
}

TEST_F(EngineTest, RunsWithoutThePrefixCache) {
  EngineOptions options = kOptions;
  options.prefix_cache = false;
  make(kShape, options);
  const std::vector<TokenId> prompt = {0, 7, 8, 9, 10, 11, 12, 13, 14};
  const Transcript first = run(greedy(1, prompt, 10));
  const Transcript second = run(greedy(2, prompt, 10));
  EXPECT_EQ(second.cached_prompt_tokens, 0U);
  EXPECT_EQ(first, second);
  EXPECT_EQ(engine_->stats().blocks_cached, 0U);
}

TEST_F(EngineTest, ChoicesShareOnePrompt) {
  for (const bool cache : {false, true}) {
    EngineOptions options = kOptions;
    options.prefix_cache = cache;
    make(kShape, options);
    transcripts_.clear();
    GenerationRequest request = greedy(1, {0, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 20);
    request.choices = 4;
    request.sampling.temperature = 1;
    run(request);
    EXPECT_EQ(engine_->stats().prompt_tokens, 10U + 3U) << "siblings compute the last token alone";
    EXPECT_EQ(decoder_->copies(), 3U);
    EXPECT_NE((transcripts_[{1, 0}].tokens()), (transcripts_[{1, 1}].tokens()));
    for (std::uint32_t choice = 0; choice < 4; ++choice) {
      EXPECT_EQ((transcripts_[{1, choice}].cached_prompt_tokens), 0U);
      EXPECT_EQ((transcripts_[{1, choice}].completion_tokens), 20U);
    }
  }
}

TEST_F(EngineTest, MoreChoicesThanPlacesTakeTurns) {
  GenerationRequest request = greedy(1, {0, 7, 8, 9, 10}, 6);
  request.choices = 11;
  run(request);
  for (std::uint32_t choice = 0; choice < 11; ++choice) {
    EXPECT_EQ((transcripts_[{1, choice}].tokens()), continue_greedily(request.prompt, 6));
  }
}

TEST_F(EngineTest, EndsAtAnEndToken) {
  GenerationRequest request = greedy(1, {0, 7}, 40);
  request.ignore_end_tokens = false;
  request.sampling.logit_bias = {{SmallTokenizer::kEos, 100.0F}};
  request.tokens_min = 5;
  const Transcript transcript = run(request);
  EXPECT_EQ(transcript.finish, FinishReason::kStop);
  ASSERT_EQ(transcript.completion_tokens, 6U) << "five tokens that are no end, then the end";
  EXPECT_EQ(transcript.tokens().back(), SmallTokenizer::kEos);
}

TEST_F(EngineTest, EndsAtAStopTokenWithoutItsText) {
  GenerationRequest request = greedy(1, {0, 7}, 40);
  request.sampling.logit_bias = {{kA, 100.0F}};
  request.stop_tokens = {kA};
  EXPECT_EQ(run(request).text(), "");
  request.id = 2;
  request.include_stop_text = true;
  EXPECT_EQ(run(request).text(), "a");
}

TEST_F(EngineTest, EndsAtAStopStringAcrossTokens) {
  GenerationRequest request = greedy(1, {0, 7}, 40);
  const std::string whole = run(request).text();
  ASSERT_GT(whole.size(), 12U);
  for (std::size_t at = 2; at + 3 <= 12; ++at) {
    const std::string stop = whole.substr(at, 3);
    if (!base::is_utf8(stop)) continue;
    request.id += 2;
    request.stop = {"never", stop};
    request.include_stop_text = false;
    const Transcript without = run(request);
    EXPECT_EQ(without.finish, FinishReason::kStop);
    EXPECT_EQ(without.text(), whole.substr(0, whole.find(stop)));
    request.id += 2;
    request.include_stop_text = true;
    EXPECT_EQ(run(request).text(), whole.substr(0, whole.find(stop) + 3));
  }
}

TEST_F(EngineTest, EchoesThePromptWithLogprobs) {
  const std::vector<TokenId> prompt = {
      0, SmallTokenizer::kWordA, kA + 1, kA + 2, kA + 3, kA + 4, kA + 5, 40, 41};
  run(greedy(1, prompt, 4));  // fills the cache, which must not hide the logits
  GenerationRequest request = greedy(2, prompt, 4);
  request.echo_logprobs = true;
  request.logprobs = true;
  request.top_logprobs = 3;
  const Transcript transcript = run(request);
  ASSERT_EQ(transcript.lines.size(), prompt.size() + 4);
  EXPECT_EQ(transcript.prompt_text(), tokenizer_.decode(prompt));
  EXPECT_EQ(transcript.cached_prompt_tokens, 0U);
  for (std::size_t i = 0; i < transcript.lines.size(); ++i) {
    const Line& line = transcript.lines[i];
    EXPECT_EQ(line.prompt, i < prompt.size());
    EXPECT_EQ(line.has_logprob, i > 0);
    EXPECT_EQ(line.top.size(), i > 0 ? 3U : 0U);
    if (i == 0 || i >= prompt.size()) continue;
    EXPECT_EQ(line.token, prompt[i]);
    const std::vector<float> logits = hash_logits(std::span(prompt).first(i), kShape.vocabulary);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
    const double expected =
        static_cast<double>(logits[static_cast<std::size_t>(prompt[i])]) - std::log(sum);
    EXPECT_NEAR(static_cast<double>(std::bit_cast<float>(line.logprob_bits)), expected, 1e-5);
  }
}

TEST_F(EngineTest, EchoesTheEndOfAPromptWithWhatIsCachedBeforeIt) {
  std::vector<TokenId> prompt = {0};
  for (TokenId i = 0; i < 40; ++i) prompt.push_back(6 + i % 37);
  GenerationRequest request = greedy(1, prompt, 1);
  request.echo_logprobs = true;
  const Transcript whole = run(request);
  request.id = 2;
  request.echo_from = 38;
  const Transcript end = run(request);
  ASSERT_EQ(end.lines.size(), 4U);
  EXPECT_GT(end.cached_prompt_tokens, 0U);
  EXPECT_LE(end.cached_prompt_tokens, 37U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(end.lines[i].prompt);
    EXPECT_EQ(end.lines[i].token, prompt[38 + i]);
    EXPECT_TRUE(end.lines[i].has_logprob);
    EXPECT_EQ(end.lines[i].logprob_bits, whole.lines[38 + i].logprob_bits);
  }
  request.id = 3;
  request.echo_from = 42;
  EXPECT_FALSE(engine_->submit(request).ok()) << "behind the prompt's end";
}

TEST_F(EngineTest, EchoesAPromptLongerThanTheLogitRows) {
  make(kShape, {.sequences_max = 4, .queue_max = 8, .step_tokens_max = 32});
  std::vector<TokenId> prompt = {0};
  for (TokenId i = 0; i < 50; ++i) prompt.push_back(6 + i % 40);
  GenerationRequest request = greedy(1, prompt, 3);
  request.echo_logprobs = true;
  request.choices = 3;
  run(request);
  for (std::uint32_t choice = 0; choice < 3; ++choice) {
    const Transcript& transcript = transcripts_[{1, choice}];
    EXPECT_EQ(transcript.lines.size(), 54U);
    EXPECT_EQ(transcript.tokens(), continue_greedily(prompt, 3));
    EXPECT_EQ(transcript.lines[50].has_logprob, true);
    EXPECT_EQ(transcript.lines[51].has_logprob, false) << "not asked for";
  }
}

TEST_F(EngineTest, EchoesThePromptWithoutLogprobs) {
  const std::vector<TokenId> prompt = {0, kA, kA + 1, SmallTokenizer::kEuroHead};
  GenerationRequest request = greedy(1, prompt, 2);
  request.echo = true;
  const Transcript transcript = run(request);
  EXPECT_EQ(transcript.prompt_text(), "ab\uFFFD\uFFFD");
  EXPECT_EQ(transcript.lines.size(), 6U);
}

TEST_F(EngineTest, GivesTheTextOfAContinuation) {
  // Behind a text the space of a word is kept; at the very beginning SPM's is not.
  GenerationRequest request = greedy(1, {0, kA}, 1);
  request.sampling.logit_bias = {{SmallTokenizer::kWordA, 100.0F}};
  EXPECT_EQ(run(request).text(), " a");
  request.id = 2;
  request.prompt = {0};
  request.tokens_max = 2;
  EXPECT_EQ(run(request).text(), "a a");
}

TEST_F(EngineTest, CancelledChoicesGetAClosingEvent) {
  GenerationRequest request = greedy(7, {0, kA}, 50);
  request.choices = 6;  // two of them have no place yet
  ASSERT_TRUE(engine_->submit(request).ok());
  for (int i = 0; i < 5; ++i) run_step(*engine_, transcripts_);
  engine_->cancel(7);
  engine_->cancel(8);  // unknown: no harm
  run_step(*engine_, transcripts_);
  EXPECT_FALSE(engine_->has_work());
  ASSERT_EQ(transcripts_.size(), 6U);
  for (const auto& [key, transcript] : transcripts_) {
    EXPECT_EQ(transcript.finish, FinishReason::kCancelled);
    EXPECT_EQ(transcript.lines.back().token, kNoToken);
    EXPECT_EQ(transcript.completion_tokens, transcript.tokens().size());
  }
  EXPECT_EQ(engine_->stats().blocks_used, 0U);
  EXPECT_EQ(engine_->stats().requests_finished, 1U);
}

TEST_F(EngineTest, LogitsThatAreNotFiniteEndTheirChoiceAlone) {
  const std::vector<TokenId> good = {0, kA};
  const std::vector<TokenId> expected = continue_greedily(good, 3);
  const TokenId bad = SmallTokenizer::kTurn;
  ASSERT_EQ(std::ranges::count(expected, bad), 0);
  decoder_->spoil_after(bad);
  ASSERT_TRUE(engine_->submit(greedy(1, {0, bad}, 3)).ok());
  ASSERT_TRUE(engine_->submit(greedy(2, good, 3)).ok());
  run_all(*engine_, transcripts_);
  EXPECT_EQ((transcripts_[{1, 0}].finish), FinishReason::kError);
  EXPECT_EQ((transcripts_[{1, 0}].error), "the model computed logits that are not finite");
  EXPECT_EQ((transcripts_[{2, 0}].tokens()), expected);
}

TEST_F(EngineTest, ADeviceThatFailsEndsTheStep) {
  ASSERT_TRUE(engine_->submit(greedy(1, {0, kA}, 3)).ok());
  decoder_->fail();
  const base::Status status = engine_->step([](const GenerationEvent&) {});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, base::ErrorCode::kDevice);
}

TEST_F(EngineTest, RefusesWhatNeverFits) {
  const base::Error context = refusal(greedy(1, std::vector<TokenId>(100, kA), 29));
  EXPECT_EQ(context.code, base::ErrorCode::kExhausted);
  EXPECT_EQ(
      context.message,
      "100 prompt tokens and up to 29 new ones need a context of 129 tokens, this one has 128");
  DecoderShape small = kShape;
  small.blocks = 10;
  make(small, kOptions);
  const base::Error blocks = refusal(greedy(1, std::vector<TokenId>(30, kA), 12));
  EXPECT_EQ(blocks.code, base::ErrorCode::kExhausted);
  EXPECT_EQ(blocks.message,
            "30 prompt tokens and up to 12 new ones need 11 KV blocks of 4 tokens, there are 10");
  // Exactly all of them is enough.
  EXPECT_EQ(run(greedy(1, std::vector<TokenId>(30, kA), 11)).completion_tokens, 11U);
}

TEST_F(EngineTest, RefusesMoreThanTheQueueHolds) {
  for (std::uint64_t id = 1; id <= 8; ++id) ASSERT_TRUE(engine_->submit(greedy(id, {0}, 3)).ok());
  EXPECT_EQ(refusal(greedy(9, {0}, 3)).code, base::ErrorCode::kUnavailable);
  run_step(*engine_, transcripts_);
  EXPECT_EQ(engine_->stats().waiting, 4U);
  EXPECT_EQ(engine_->stats().running, 4U);
  EXPECT_TRUE(engine_->submit(greedy(9, {0}, 3)).ok());
  run_all(*engine_, transcripts_);
}

TEST_F(EngineTest, RefusesMalformedRequests) {
  const auto refused = [this](auto change) {
    GenerationRequest request = greedy(1, {0, kA}, 3);
    change(request);
    const base::Error error = refusal(request);
    EXPECT_EQ(error.code, base::ErrorCode::kInvalidInput) << error.message;
    return error.message;
  };
  EXPECT_EQ(refused([](auto& r) { r.prompt = {}; }), "the prompt has no tokens");
  EXPECT_EQ(refused([](auto& r) {
              r.prompt = {0, 48};
            }),
            "the prompt has token 48, the vocabulary has 48 tokens");
  EXPECT_EQ(refused([](auto& r) { r.prompt = {-1}; }),
            "the prompt has token -1, the vocabulary has 48 tokens");
  EXPECT_EQ(refused([](auto& r) { r.tokens_max = 0; }), "tokens_max is 0");
  EXPECT_EQ(refused([](auto& r) { r.choices = 0; }), "choices is 0, allowed is 1 to 128");
  EXPECT_EQ(refused([](auto& r) { r.top_logprobs = 21; }),
            "top_logprobs is 21, allowed is 0 to 20");
  EXPECT_EQ(refused([](auto& r) { r.stop = {""}; }), "a stop string is empty");
  EXPECT_EQ(refused([](auto& r) { r.stop = {"\xFF"}; }), "a stop string is not UTF-8");
  EXPECT_EQ(refused([](auto& r) { r.stop.assign(33, "x"); }),
            "the number of stop strings is 33, allowed is 0 to 32");
  EXPECT_EQ(refused([](auto& r) { r.stop_tokens = {99}; }),
            "stop_tokens has token 99, the vocabulary has 48 tokens");
  EXPECT_EQ(refused([](auto& r) { r.sampling.temperature = std::nanf(""); }),
            "temperature is nan, allowed is 0 to 100");
  EXPECT_EQ(refused([](auto& r) { r.sampling.top_k = -1; }), "top_k is -1");
  EXPECT_EQ(refused([](auto& r) { r.sampling.top_p = 1.5F; }), "top_p is 1.5, allowed is 0 to 1");
  EXPECT_EQ(refused([](auto& r) { r.sampling.repetition_penalty = 0; }),
            "repetition_penalty is 0, allowed is 0.01 to 100");
  EXPECT_EQ(refused([](auto& r) {
              r.sampling.logit_bias = {{1, 1.0F}, {1, 2.0F}};
            }),
            "logit_bias has token 1 twice");
  EXPECT_EQ(refused([](auto& r) {
              r.resume = {{}, {}};
            }),
            "the number of resumed choices is 2, allowed is 1 to 1");
  EXPECT_EQ(refused([](auto& r) {
              r.resume = {{1, 1, 1, 1}};
            }),
            "the number of resumed tokens is 4, allowed is 0 to 3");
  ASSERT_TRUE(engine_->submit(greedy(1, {0}, 3)).ok());
  EXPECT_EQ(refused([](auto&) {}), "request id 1 is in use");
}

TEST_F(EngineTest, RefusesOptionsThatCouldStarveASequence) {
  const auto refused = [this](const EngineOptions& options) {
    const auto engine = Engine::create(options, *decoder_, tokenizer_);
    return engine.ok() ? "" : engine.error().message;
  };
  EXPECT_EQ(refused({.sequences_max = 9}), "sequences_max is 9, allowed is 1 to 8");
  EXPECT_EQ(refused({.sequences_max = 4, .step_tokens_max = 3}),
            "sequences_max is 4, allowed is 1 to 3");
  EXPECT_EQ(refused({.sequences_max = 4, .queue_max = 0}), "queue_max is 0, allowed is 1 to 65536");
}

TEST_F(EngineTest, ResumeOfACompleteChoiceJustCloses) {
  GenerationRequest request = greedy(1, {0, kA}, 5);
  const Transcript whole = run(request);
  request.id = 2;
  request.choices = 2;
  request.resume = {whole.tokens(), {}};
  run(request);
  const Transcript& closed = transcripts_[{2, 0}];
  ASSERT_EQ(closed.lines.size(), 1U);
  EXPECT_EQ(closed.lines[0], Line{});
  EXPECT_EQ(closed.finish, FinishReason::kLength);
  EXPECT_EQ(closed.completion_tokens, 5U);
  EXPECT_EQ((transcripts_[{2, 1}].tokens()), whole.tokens());
}

TEST_F(EngineTest, PreemptsTheYoungestWhenBlocksRunOut) {
  DecoderShape shape = kShape;
  shape.blocks = 12;  // 48 tokens for four sequences of up to 42
  make(shape, kOptions);
  for (std::uint64_t id = 1; id <= 4; ++id) {
    ASSERT_TRUE(engine_->submit(greedy(id, {0, static_cast<TokenId>(kA + id)}, 40)).ok());
  }
  std::vector<std::uint64_t> order;
  while (engine_->has_work()) {
    const base::Status status = engine_->step([&](const GenerationEvent& event) {
      record(transcripts_, event);
      if (event.finish != FinishReason::kNone) order.push_back(event.request);
    });
    ASSERT_TRUE(status.ok());
  }
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2, 3, 4})) << "the oldest are done first";
  EXPECT_GT(engine_->stats().preemptions, 0U);
  EXPECT_LE(engine_->stats().preemptions, 4U) << "nobody is admitted just to be thrown out again";
  for (std::uint64_t id = 1; id <= 4; ++id) {
    EXPECT_EQ((transcripts_[{id, 0}].tokens()),
              continue_greedily({0, static_cast<TokenId>(kA + id)}, 40));
  }
}

// A pass takes a prime number of nanoseconds that grows from pass to pass; nothing else takes any
// time.
class PassClock final : public base::Clock {
 public:
  std::int64_t monotonic_ns() const override {
    if (asked_++ % 2 == 1) {
      now_ns_ += 1'000'003 + 7 * asked_;
      passes_ns_ += 1'000'003 + 7 * asked_;
    }
    return now_ns_;
  }
  std::int64_t unix_seconds() const override { return 0; }
  std::int64_t passes_ns() const { return passes_ns_; }

 private:
  mutable std::int64_t asked_ = 0;
  mutable std::int64_t now_ns_ = 0;
  mutable std::int64_t passes_ns_ = 0;
};

std::map<ChoiceKey, std::int64_t> device_times(Engine& engine) {
  std::map<ChoiceKey, std::int64_t> times;
  for (int steps = 10'000; engine.has_work() && steps > 0; --steps) {
    EXPECT_TRUE(engine
                    .step([&times](const GenerationEvent& event) {
                      if (event.finish == FinishReason::kNone) {
                        EXPECT_EQ(event.device_ns, 0);
                      } else {
                        times[{event.request, event.choice}] = event.device_ns;
                      }
                    })
                    .ok());
  }
  return times;
}

TEST_F(EngineTest, SharesOutTheTimeOfEveryPass) {
  const PassClock clock;
  DecoderShape tight = kShape;
  tight.blocks = 32;  // some are preempted
  make(tight, {.sequences_max = 4, .queue_max = 8, .step_tokens_max = 7, .clock = &clock});
  for (std::uint64_t id = 1; id <= 5; ++id) {
    GenerationRequest request =
        greedy(id, std::vector<TokenId>(9 * id, static_cast<TokenId>(kA + id % 3)), 30);
    request.choices = id % 2 == 0 ? 3 : 1;
    ASSERT_TRUE(engine_->submit(std::move(request)).ok());
  }
  engine_->cancel(5);
  const auto times = device_times(*engine_);
  EXPECT_EQ(times.size(), 9U);
  EXPECT_GT(engine_->stats().preemptions, 0U);
  std::int64_t sum_ns = 0;
  for (const auto& [choice, ns] : times) sum_ns += ns;
  EXPECT_EQ(sum_ns, clock.passes_ns()) << "to the nanosecond";
}

TEST_F(EngineTest, ChargesByTheTokensOfEachPass) {
  const PassClock clock;
  make(kShape, {.sequences_max = 4, .queue_max = 8, .step_tokens_max = 32, .clock = &clock});
  ASSERT_TRUE(engine_->submit(greedy(1, std::vector<TokenId>(20, kA), 1)).ok());
  ASSERT_TRUE(engine_->submit(greedy(2, std::vector<TokenId>(5, kA + 1), 1)).ok());
  auto times = device_times(*engine_);
  EXPECT_EQ(engine_->stats().steps, 1U);
  EXPECT_EQ((times[{1, 0}]), clock.passes_ns() * 20 / 25);
  EXPECT_EQ((times[{2, 0}]), clock.passes_ns() - clock.passes_ns() * 20 / 25);
}

TEST_F(EngineTest, TenantsTakeTurns) {
  make(kShape, {.sequences_max = 1, .queue_max = 20, .step_tokens_max = 32});
  const auto of_tenant = [](std::uint64_t id, std::uint64_t tenant) {
    GenerationRequest request = greedy(id, {0, kA}, 4);
    request.tenant = tenant;
    return request;
  };
  for (std::uint64_t id = 1; id <= 6; ++id) ASSERT_TRUE(engine_->submit(of_tenant(id, 1)).ok());
  ASSERT_TRUE(engine_->submit(of_tenant(7, 2)).ok());
  ASSERT_TRUE(engine_->submit(of_tenant(8, 2)).ok());
  std::vector<std::uint64_t> order;
  while (engine_->has_work()) {
    ASSERT_TRUE(engine_
                    ->step([&](const GenerationEvent& event) {
                      if (event.finish != FinishReason::kNone) order.push_back(event.request);
                    })
                    .ok());
  }
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 7, 2, 8, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace runtime
