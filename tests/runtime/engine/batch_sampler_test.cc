#include "runtime/engine/batch_sampler.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "kernels/ops.h"
#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace runtime {
namespace {

constexpr std::size_t kVocabulary = 2000;
constexpr std::size_t kSequences = 13;

// One request per row, each asking for something else.
GenerationRequest request_of(std::size_t i) {
  GenerationRequest request;
  request.id = i;
  request.prompt = {static_cast<TokenId>(i), 7, 9};
  request.logprobs = i % 2 == 0;
  request.top_logprobs = static_cast<std::uint32_t>(i);
  request.sampling.seed = 100 + i;
  request.sampling.temperature = i % 5 == 0 ? 0.0F : 0.9F;
  if (i % 3 == 0) request.sampling.top_p = 0.8F;
  if (i % 4 == 1) request.sampling.top_k = 20;
  if (i % 4 == 2) request.sampling.repetition_penalty = 1.3F;
  return request;
}

struct Outcome {
  TokenId token;
  std::vector<std::pair<TokenId, float>> top;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

class BatchSamplerTest : public testing::Test {
 protected:
  BatchSamplerTest() : logits_(kSequences * kVocabulary) {
    std::mt19937_64 generator(3);
    for (float& logit : logits_) logit = static_cast<float>(generator() % 2000) / 250;
  }

  LogitRow row(std::size_t i) const {
    return {std::span(logits_).subspan(i * kVocabulary, kVocabulary), 8, 3};
  }

  // What each sequence gets when rows `first` to `last` are drawn together on so many threads.
  std::vector<Outcome> draw_together(std::size_t first, std::size_t last, std::size_t threads) {
    const auto ops = kernels::make_cpu_ops({.limits = {}, .threads = threads});
    HashDecoder decoder({.vocabulary = kVocabulary,
                         .context_tokens_max = 64,
                         .block_tokens = 4,
                         .blocks = 16,
                         .rows_max = kSequences,
                         .logit_rows_max = kSequences});
    decoder.lend_threads_of(*ops);
    BatchSampler sampler({.sequences_max = kSequences}, decoder, kVocabulary);
    std::vector<std::unique_ptr<LiveRequest>> requests;
    for (std::size_t i = first; i < last; ++i) {
      requests.push_back(std::make_unique<LiveRequest>(tokenizer_, request_of(i)));
      Sequence& sequence = requests.back()->choices[0];
      sequence.tokens = requests.back()->spec.prompt;
      sequence.slot = i - first;
      sampler.add(sequence, row(i));
    }
    sampler.draw_all();
    std::vector<Outcome> outcomes;
    for (const BatchSampler::Drawn& drawn : sampler.drawn()) {
      Outcome outcome{drawn.token.ok() ? drawn.token.value() : kNoToken, {}};
      for (const TokenLogprob& entry : drawn.top)
        outcome.top.emplace_back(entry.token, entry.logprob);
      outcomes.push_back(outcome);
    }
    return outcomes;
  }

  SmallTokenizer tokenizer_;
  std::vector<float> logits_;  // [kSequences, kVocabulary]
};

TEST_F(BatchSamplerTest, DrawsForEachRowWhatItDrawsForItAlone) {
  std::vector<Outcome> alone;
  for (std::size_t i = 0; i < kSequences; ++i) alone.push_back(draw_together(i, i + 1, 1)[0]);
  EXPECT_EQ(alone[6].top.size(), 6U);
  for (const std::size_t threads : {1U, 2U, 5U, 16U}) {
    for (int round = 0; round < 5; ++round) {
      EXPECT_EQ(draw_together(0, kSequences, threads), alone) << threads << " threads";
    }
  }
}

TEST_F(BatchSamplerTest, ARowThatIsNotFiniteSpoilsNoOther) {
  const std::vector<Outcome> whole = draw_together(0, kSequences, 2);
  logits_[5 * kVocabulary + 1234] = std::nanf("");
  const std::vector<Outcome> spoiled = draw_together(0, kSequences, 2);
  for (std::size_t i = 0; i < kSequences; ++i) {
    if (i == 5) {
      EXPECT_EQ(spoiled[i].token, kNoToken);
    } else {
      EXPECT_EQ(spoiled[i], whole[i]);
    }
  }
}

TEST(HostThreads, EveryTaskRunsOnceOnEveryBackend) {
  const auto reference = kernels::make_reference_ops({});
  const auto cpu = kernels::make_cpu_ops({.limits = {}, .threads = 3});
  EXPECT_EQ(reference->host_threads(), 1U);
  EXPECT_EQ(cpu->host_threads(), 3U);
  for (kernels::Ops* const ops : {reference.get(), cpu.get()}) {
    for (std::size_t tasks = 0; tasks < 40; ++tasks) {
      std::vector<int> runs(40);
      ops->for_each_host(
          tasks,
          [](const void* context, std::size_t task) {
            ++(*static_cast<std::vector<int>* const*>(context))->at(task);
          },
          std::array{&runs}.data());
      for (std::size_t task = 0; task < runs.size(); ++task) {
        EXPECT_EQ(runs[task], task < tasks ? 1 : 0);
      }
    }
  }
}

}  // namespace
}  // namespace runtime
