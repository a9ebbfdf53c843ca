#include "runtime/engine/logprobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace runtime {
namespace {

TEST(Logprobs, SubtractMaximumAndLogOfTheSum) {
  const std::vector<float> logits = {1.0F, 3.0F, 2.5F};
  const LogitRow row = {logits, 3.0F, 0.5F};
  EXPECT_EQ(token_logprob(row, 1).logprob, -0.5F);
  EXPECT_EQ(token_logprob(row, 2).logprob, -1.0F);
}

TEST(Logprobs, TopIsTheBeginningOfTheSortedVocabulary) {
  std::mt19937_64 generator(3);
  std::vector<TokenLogprob> top;
  for (int round = 0; round < 2000; ++round) {
    std::vector<float> logits(1 + generator() % 60);
    for (float& logit : logits) logit = static_cast<float>(generator() % 20) - 10.0F;
    const LogitRow row = {logits, 9.0F, 1.0F};
    std::vector<TokenId> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&logits](TokenId a, TokenId b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    const std::size_t count = generator() % 25;
    LogitRowBlocks blocks(logits.size());
    ASSERT_TRUE(blocks.scan(logits));
    top_logprobs(row, blocks, count, top);
    ASSERT_EQ(top.size(), std::min(count, logits.size()));
    for (std::size_t i = 0; i < top.size(); ++i) {
      EXPECT_EQ(top[i].token, order[i]);
      EXPECT_EQ(top[i].logprob, token_logprob(row, order[i]).logprob);
    }
  }
}

}  // namespace
}  // namespace runtime
