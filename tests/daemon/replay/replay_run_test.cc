#include "daemon/replay/replay_run.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_replay {
namespace {

using runtime::GenerationRequest;

class ReplayRunTest : public testing::Test {
 protected:
  ReplayRunTest()
      : decoder_({.vocabulary = 48,
                  .context_tokens_max = 128,
                  .block_tokens = 4,
                  .blocks = 64,
                  .rows_max = 32,
                  .logit_rows_max = 8}),
        engine_(runtime::Engine::create({.sequences_max = 4, .queue_max = 8, .step_tokens_max = 32},
                                        decoder_, tokenizer_)
                    .value()) {}

  static GenerationRequest prompt(runtime::TokenId first, std::uint32_t choices,
                                  std::uint32_t tokens_max) {
    GenerationRequest request;
    request.prompt = {0, first, 7};
    request.choices = choices;
    request.tokens_max = tokens_max;
    request.ignore_end_tokens = true;
    request.sampling.seed = 5;
    return request;
  }

  // Everything that was asked, by item.
  std::map<std::size_t, std::vector<ReplayedChoice>> run(
      std::vector<std::vector<GenerationRequest>> items, std::size_t window) {
    std::map<std::size_t, std::vector<ReplayedChoice>> out;
    const ReplaySource source{
        .count = items.size(),
        .make = [&](std::size_t i) -> base::Result<std::vector<GenerationRequest>> {
          return items[i];
        },
        .refuse = [&](std::size_t i, const base::Error& why) { refused_[i] = why.message; },
        .take = [&](std::size_t i,
                    const std::vector<ReplayedChoice>& choices) { out[i] = choices; }};
    const base::Status status = run_replay(*engine_, window, source);
    EXPECT_TRUE(status.ok());
    EXPECT_FALSE(engine_->has_work());
    return out;
  }

  runtime::SmallTokenizer tokenizer_;
  runtime::HashDecoder decoder_;
  std::unique_ptr<runtime::Engine> engine_;
  std::map<std::size_t, std::string> refused_;
};

TEST_F(ReplayRunTest, GivesTheChoicesOfAllPromptsInTheirOrder) {
  const auto together = run({{prompt(6, 2, 9), prompt(8, 2, 5)}}, 8);
  const auto first = run({{prompt(6, 2, 9)}}, 8);
  const auto second = run({{prompt(8, 2, 5)}}, 8);
  ASSERT_EQ(together.at(0).size(), 4U);
  EXPECT_EQ(together.at(0)[0].tokens, first.at(0)[0].tokens);
  EXPECT_EQ(together.at(0)[1].tokens, first.at(0)[1].tokens);
  EXPECT_EQ(together.at(0)[2].tokens, second.at(0)[0].tokens);
  EXPECT_EQ(together.at(0)[3].tokens, second.at(0)[1].tokens);
  EXPECT_NE(together.at(0)[0].tokens, together.at(0)[1].tokens) << "choices draw apart";
  EXPECT_EQ(together.at(0)[3].finish, runtime::FinishReason::kLength);
}

TEST_F(ReplayRunTest, RunsManyItemsThroughANarrowWindow) {
  std::vector<std::vector<GenerationRequest>> items;
  for (int i = 0; i < 30; ++i) {
    items.emplace_back();
    if (i % 7 == 3) continue;  // not asked
    for (int p = 0; p <= i % 3; ++p)
      items.back().push_back(prompt(6 + i % 20, i % 2 == 0 ? 1u : 2u, 6));
  }
  const auto narrow = run(items, 1);
  const auto wide = run(items, 8);
  EXPECT_EQ(narrow.size(), 26U);
  ASSERT_EQ(wide.size(), 26U);
  for (const auto& [item, choices] : narrow) {
    ASSERT_EQ(choices.size(), wide.at(item).size());
    for (std::size_t c = 0; c < choices.size(); ++c) {
      EXPECT_EQ(choices[c].tokens, wide.at(item)[c].tokens) << item << " " << c;
      EXPECT_EQ(choices[c].tokens.size(), 6U);
    }
  }
}

TEST_F(ReplayRunTest, LeavesOutWhatTheEngineDoesNotTake) {
  const auto out =
      run({{prompt(6, 1, 5), prompt(6, 1, 100'000)}, {prompt(8, 1, 5)}, {prompt(99, 1, 5)}}, 8);
  EXPECT_EQ(out.size(), 1U);
  EXPECT_EQ(out.at(1)[0].tokens.size(), 5U);
  EXPECT_EQ(refused_.size(), 2U);
  EXPECT_NE(refused_[0], "");
  EXPECT_NE(refused_[2], "");
}

}  // namespace
}  // namespace daemon_replay
