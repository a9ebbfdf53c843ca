// The tokens, texts and log-probabilities of a request follow from the request alone: whatever runs
// beside it, on however many threads tokens are drawn, however prompts are cut, found in the cache,
// thrown out and computed again, or resumed after a restart.
//
// Random requests and schedules; the seed of a failure is printed and can be put into kFirstSeed.
#include <gtest/gtest.h>

#include <random>

#include "runtime/engine/engine.h"
#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"
#include "tests/runtime/engine/transcript.h"

namespace runtime {
namespace {

constexpr std::uint64_t kFirstSeed = 1;
constexpr std::uint64_t kSeeds = 150;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : generator_(seed) {}
  std::size_t below(std::size_t count) { return generator_() % count; }
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  bool one_in(std::size_t count) { return below(count) == 0; }
  float real(float low, float high) {
    return low + (high - low) * static_cast<float>(below(1001)) / 1000.0F;
  }

 private:
  std::mt19937_64 generator_;
};

std::vector<TokenId> random_tokens(Dice& dice, std::size_t count) {
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < count; ++i) tokens.push_back(static_cast<TokenId>(dice.below(48)));
  return tokens;
}

SamplingParams random_sampling(Dice& dice) {
  SamplingParams params;
  params.seed = dice.below(1000);
  params.temperature = dice.one_in(3) ? 0.0F : dice.real(0.2F, 2.0F);
  if (dice.one_in(3)) params.top_k = static_cast<std::int32_t>(dice.between(1, 20));
  if (dice.one_in(3)) params.top_p = dice.real(0.1F, 1.0F);
  if (dice.one_in(3)) params.min_p = dice.real(0.0F, 0.3F);
  if (dice.one_in(3)) params.repetition_penalty = dice.real(0.8F, 1.5F);
  if (dice.one_in(4)) params.presence_penalty = dice.real(-1, 1);
  if (dice.one_in(4)) params.frequency_penalty = dice.real(-1, 1);
  if (dice.one_in(4))
    params.logit_bias = {{static_cast<TokenId>(dice.below(48)), dice.real(-5, 5)}};
  return params;
}

// Prompts begin with one of a few texts, so that they have beginnings in common.
GenerationRequest random_request(Dice& dice, std::uint64_t id) {
  GenerationRequest request;
  request.id = id;
  request.tenant = dice.below(3);
  Dice common(dice.below(3));
  request.prompt = random_tokens(common, dice.below(30));
  const std::vector<TokenId> own = random_tokens(dice, dice.between(1, 12));
  request.prompt.insert(request.prompt.end(), own.begin(), own.end());
  request.choices = dice.one_in(3) ? static_cast<std::uint32_t>(dice.between(2, 4)) : 1;
  request.tokens_max = static_cast<std::uint32_t>(dice.between(1, 40));
  request.tokens_min = dice.one_in(3) ? static_cast<std::uint32_t>(dice.below(10)) : 0;
  if (dice.one_in(2)) request.stop = {"ab", "b c", "q", "\xE2\x82\xAC"};
  if (dice.one_in(4)) request.stop_tokens = {static_cast<TokenId>(dice.below(48))};
  request.ignore_end_tokens = dice.one_in(2);
  request.include_stop_text = dice.one_in(2);
  request.logprobs = dice.one_in(2);
  request.top_logprobs = request.logprobs ? static_cast<std::uint32_t>(dice.below(5)) : 0;
  request.echo = dice.one_in(5);
  request.echo_logprobs = dice.one_in(5);
  if (dice.one_in(2)) {
    request.echo_from = static_cast<std::uint32_t>(dice.below(request.prompt.size() + 1));
  }
  request.sampling = random_sampling(dice);
  return request;
}

std::unique_ptr<Engine> make_engine(const EngineOptions& options, Decoder& decoder,
                                    const Tokenizer& tokenizer) {
  auto engine = Engine::create(options, decoder, tokenizer);
  EXPECT_TRUE(engine.ok()) << engine.error().message;
  return std::move(engine).value();
}

// Every request by itself, with room for everything and no cache.
Transcripts run_alone(const std::vector<GenerationRequest>& requests, const Tokenizer& tokenizer) {
  Transcripts transcripts;
  for (const GenerationRequest& request : requests) {
    HashDecoder decoder({.vocabulary = 48,
                         .context_tokens_max = 128,
                         .block_tokens = 8,
                         .blocks = 256,
                         .rows_max = 256,
                         .logit_rows_max = 256});
    const auto engine = make_engine(
        {.sequences_max = 8, .queue_max = 8, .step_tokens_max = 256, .prefix_cache = false},
        decoder, tokenizer);
    EXPECT_TRUE(engine->submit(request).ok());
    run_all(*engine, transcripts);
  }
  return transcripts;
}

struct Schedule {
  DecoderShape shape;
  EngineOptions options;
};

Schedule random_schedule(Dice& dice) {
  Schedule schedule;
  schedule.options.sequences_max = dice.between(1, 8);
  schedule.options.step_tokens_max = dice.between(schedule.options.sequences_max, 40);
  schedule.options.queue_max = 64;
  schedule.options.prefix_cache = !dice.one_in(3);
  schedule.shape.vocabulary = 48;
  schedule.shape.context_tokens_max = 128;
  schedule.shape.block_tokens = dice.one_in(2) ? 4 : 8;
  const std::size_t blocks_min = 84 / schedule.shape.block_tokens + 1;
  schedule.shape.blocks = blocks_min + (dice.one_in(3) ? dice.below(100) : dice.below(4));
  schedule.shape.rows_max = 40;
  schedule.shape.logit_rows_max = schedule.options.sequences_max + dice.below(10);
  return schedule;
}

// Submits in random order and at random times, among requests that are cancelled again.
Transcripts run_together(std::vector<GenerationRequest> requests, const Schedule& schedule,
                         const Tokenizer& tokenizer, Dice& dice, EngineStats& stats) {
  HashDecoder decoder(schedule.shape);
  const auto lender = kernels::make_cpu_ops({.limits = {}, .threads = dice.between(1, 3)});
  decoder.lend_threads_of(*lender);
  const auto engine = make_engine(schedule.options, decoder, tokenizer);
  Transcripts transcripts;
  std::vector<std::uint64_t> noise;
  std::uint64_t noise_id = 1000;
  while (!requests.empty()) {
    const std::size_t pick = dice.below(requests.size());
    EXPECT_TRUE(engine->submit(requests[pick]).ok());
    requests.erase(requests.begin() + static_cast<std::ptrdiff_t>(pick));
    if (dice.one_in(2)) {
      noise.push_back(noise_id++);
      EXPECT_TRUE(engine->submit(random_request(dice, noise.back())).ok());
    }
    for (std::size_t steps = dice.below(8); steps > 0; --steps) run_step(*engine, transcripts);
    if (!noise.empty() && dice.one_in(2)) {
      engine->cancel(noise.back());
      noise.pop_back();
    }
  }
  run_all(*engine, transcripts);
  std::erase_if(transcripts, [](const auto& entry) { return entry.first.first >= 1000; });
  stats = engine->stats();
  EXPECT_EQ(stats.blocks_used, 0U) << "blocks got lost";
  EXPECT_EQ(stats.running + stats.waiting, 0U);
  return transcripts;
}

void expect_equal(const Transcripts& expected, const Transcripts& actual) {
  EXPECT_EQ(expected.size(), actual.size());
  for (const auto& [key, transcript] : expected) {
    const auto found = actual.find(key);
    ASSERT_NE(found, actual.end());
    SCOPED_TRACE(testing::Message() << "request " << key.first << " choice " << key.second);
    EXPECT_EQ(transcript.tokens(), found->second.tokens());
    EXPECT_EQ(transcript.text(), found->second.text());
    EXPECT_EQ(transcript.finish, found->second.finish);
    EXPECT_TRUE(transcript == found->second);
  }
}

std::vector<GenerationRequest> random_requests(Dice& dice) {
  std::vector<GenerationRequest> requests;
  for (std::uint64_t id = 1; id <= 8; ++id) requests.push_back(random_request(dice, id));
  return requests;
}

TEST(EngineInvariance, AloneEqualsTogetherUnderAnySchedule) {
  const SmallTokenizer tokenizer;
  EngineStats sums;
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Dice dice(seed);
    const std::vector<GenerationRequest> requests = random_requests(dice);
    const Transcripts alone = run_alone(requests, tokenizer);
    EngineStats stats;
    const Transcripts together =
        run_together(requests, random_schedule(dice), tokenizer, dice, stats);
    expect_equal(alone, together);
    ASSERT_FALSE(testing::Test::HasFailure());
    sums.preemptions += stats.preemptions;
    sums.cached_prompt_tokens += stats.cached_prompt_tokens;
    sums.generated_tokens += stats.generated_tokens;
  }
  // The schedules were hard enough to mean something.
  EXPECT_GT(sums.preemptions, 200U);
  EXPECT_GT(sums.cached_prompt_tokens, 5000U);
  EXPECT_GT(sums.generated_tokens, 10'000U);
}

// What is left of a transcript after its first tokens were emitted before a restart.
Transcript cut_transcript(const Transcript& whole, std::size_t emitted) {
  if (emitted == 0) return whole;
  Transcript rest = whole;
  std::erase_if(rest.lines, [](const Line& line) { return line.prompt; });
  if (emitted == rest.lines.size()) {
    rest.lines = {Line{}};  // just the closing event
  } else {
    rest.lines.erase(rest.lines.begin(), rest.lines.begin() + static_cast<std::ptrdiff_t>(emitted));
  }
  return rest;
}

TEST(EngineInvariance, ResumedGoesOnAsThoughNothingHadHappened) {
  const SmallTokenizer tokenizer;
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Dice dice(seed);
    std::vector<GenerationRequest> requests = random_requests(dice);
    Transcripts expected = run_alone(requests, tokenizer);
    for (GenerationRequest& request : requests) {
      for (std::uint32_t choice = 0; choice < request.choices; ++choice) {
        Transcript& transcript = expected[{request.id, choice}];
        std::vector<TokenId> tokens = transcript.tokens();
        tokens.resize(dice.between(0, tokens.size()));
        transcript = cut_transcript(transcript, tokens.size());
        request.resume.push_back(std::move(tokens));
      }
    }
    EngineStats stats;
    const Transcripts resumed =
        run_together(requests, random_schedule(dice), tokenizer, dice, stats);
    expect_equal(expected, resumed);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace runtime
