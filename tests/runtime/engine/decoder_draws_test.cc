// A decoder that draws tokens itself changes no token of any request, and is asked to only where a
// row is all that counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/engine/row_draw.h"
#include "runtime/engine/sampler.h"
#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"
#include "tests/runtime/engine/transcript.h"

namespace runtime {
namespace {

GenerationRequest request_of(std::uint64_t id) {
  GenerationRequest request;
  request.id = id;
  request.prompt = {0, static_cast<TokenId>(6 + id), 32, static_cast<TokenId>(40 - id)};
  request.tokens_max = 12;
  request.ignore_end_tokens = true;
  request.sampling.seed = 77 * id;
  return request;
}

// Every way of sampling, some with what only the host has.
std::vector<GenerationRequest> many_requests() {
  std::vector<GenerationRequest> requests;
  const auto add = [&requests](const std::function<void(GenerationRequest&)>& change) {
    requests.push_back(request_of(requests.size()));
    change(requests.back());
  };
  add([](auto& r) { r.sampling.temperature = 0; });
  add([](auto& r) { r.sampling.temperature = 1.3F; });
  add([](auto& r) { r.sampling.top_k = 5; });
  add([](auto& r) { r.sampling.top_p = 0.7F; });
  add([](auto& r) { r.sampling.min_p = 0.2F; });
  add([](auto& r) { r.choices = 3; });
  add([](auto& r) { r.echo = true; });
  add([](auto& r) { r.ignore_end_tokens = false; });
  add([](auto& r) { r.stop = {"a", "b c"}; });
  add([](auto& r) { r.resume = {{9, 8, 7}}; });
  add([](auto& r) { r.logprobs = true, r.top_logprobs = 3; });
  add([](auto& r) { r.echo_logprobs = true; });
  add([](auto& r) { r.tokens_min = 6, r.ignore_end_tokens = false; });
  add([](auto& r) { r.sampling.repetition_penalty = 1.4F; });
  add([](auto& r) { r.sampling.logit_bias = {{9, 4.0F}}; });
  return requests;
}

struct Outcome {
  Transcripts transcripts;
  std::size_t rows_drawn = 0;
  std::uint64_t generated = 0;
};

Outcome run(const std::vector<GenerationRequest>& requests, bool draws, std::size_t vocabulary = 48,
            TokenId spoiled = kNoToken) {
  const SmallTokenizer tokenizer;
  HashDecoder decoder({.vocabulary = vocabulary,
                       .context_tokens_max = 64,
                       .block_tokens = 8,
                       .blocks = 60,
                       .rows_max = 24,
                       .logit_rows_max = 16});
  if (draws) decoder.draw_here();
  decoder.spoil_after(spoiled);
  auto engine = Engine::create({.sequences_max = 6, .queue_max = 32, .step_tokens_max = 24},
                               decoder, tokenizer);
  EXPECT_TRUE(engine.ok()) << engine.error().message;
  Outcome outcome;
  for (const GenerationRequest& request : requests)
    EXPECT_TRUE(engine.value()->submit(request).ok());
  run_all(*engine.value(), outcome.transcripts);
  outcome.rows_drawn = decoder.rows_drawn();
  outcome.generated = engine.value()->stats().generated_tokens;
  return outcome;
}

TEST(DecoderDraws, ChangesNoStream) {
  const auto requests = many_requests();
  const Outcome host = run(requests, false);
  const Outcome device = run(requests, true);
  EXPECT_EQ(host.rows_drawn, 0u);
  EXPECT_GT(device.rows_drawn, 0u);
  EXPECT_LT(device.rows_drawn, device.generated) << "some requests want what only the host has";
  EXPECT_EQ(host.transcripts, device.transcripts);
}

TEST(DecoderDraws, WhereARequestNeedsNoMoreThanItsRowsNoneCrosses) {
  for (const auto& request : many_requests()) {
    const Outcome device = run({request}, true);
    EXPECT_EQ(device.rows_drawn, draws_from_rows_alone(request) ? device.generated : 0)
        << request.id;
    EXPECT_GT(device.generated, 0u);
  }
}

TEST(DecoderDraws, ARowThatIsNotFiniteEndsItsRequestInTheSameWay) {
  // Every prompt begins with 0.
  const std::vector<GenerationRequest> requests = {request_of(1), request_of(2)};
  const Outcome host = run(requests, false, 48, 38);  // request 2 ends its prompt so
  const Outcome device = run(requests, true, 48, 38);
  EXPECT_EQ(host.transcripts, device.transcripts);
  EXPECT_EQ(device.transcripts.at({2, 0}).finish, FinishReason::kError);
  EXPECT_EQ(device.transcripts.at({2, 0}).error, kNotFiniteError);
  EXPECT_NE(device.transcripts.at({1, 0}).finish, FinishReason::kError);
}

TEST(DecoderDraws, AModelWithPaddingRowsIsSampledOnTheHost) {
  const auto requests = many_requests();
  const Outcome device = run(requests, true, 64);
  EXPECT_EQ(device.rows_drawn, 0u);
  EXPECT_EQ(device.transcripts, run(requests, false, 64).transcripts);
}

TEST(DecoderDraws, SaysAllThatADrawDependsOn) {
  const SmallTokenizer tokenizer;
  GenerationRequest request = request_of(3);
  request.choices = 2;
  request.sampling.temperature = 0.5F;
  request.sampling.top_k = 7;
  request.sampling.top_p = 0.25F;
  request.sampling.min_p = 0.125F;
  LiveRequest live(tokenizer, request);
  Sequence& sequence = live.choices[1];
  sequence.tokens = {1, 2, 3, 4, 5};
  const kernels::SampleRow draw = row_draw(sequence);
  EXPECT_EQ(draw.temperature, 0.5F);
  EXPECT_EQ(draw.top_k, 7);
  EXPECT_EQ(draw.top_p, 0.25F);
  EXPECT_EQ(draw.min_p, 0.125F);
  EXPECT_EQ(draw.seed, 231u);
  EXPECT_EQ(draw.choice, 1u);
  EXPECT_EQ(draw.position, 5u);
}

}  // namespace
}  // namespace runtime
