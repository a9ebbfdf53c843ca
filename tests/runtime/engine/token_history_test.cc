#include "runtime/engine/token_history.h"

#include <gtest/gtest.h>

namespace runtime {
namespace {

TEST(TokenHistory, CountsOutputAndRemembersPrompt) {
  TokenHistory history(10, 10);
  const std::vector<TokenId> prompt = {3, 5, 3};
  history.add_prompt(prompt);
  history.add_output(5);
  history.add_output(5);
  history.add_output(9);
  EXPECT_EQ(std::vector<TokenId>(history.distinct().begin(), history.distinct().end()),
            (std::vector<TokenId>{3, 5, 9}));
  EXPECT_EQ(history.output_count(3), 0U);
  EXPECT_EQ(history.output_count(5), 2U);
  EXPECT_EQ(history.output_count(9), 1U);
  EXPECT_EQ(history.output_count(0), 0U);
}

TEST(TokenHistory, ResetForgetsEverything) {
  TokenHistory history(4, 4);
  for (TokenId token = 0; token < 4; ++token) history.add_output(token);
  history.reset();
  EXPECT_TRUE(history.distinct().empty());
  for (TokenId token = 0; token < 4; ++token) EXPECT_EQ(history.output_count(token), 0U);
  history.add_output(2);
  EXPECT_EQ(history.distinct().size(), 1U);
}

}  // namespace
}  // namespace runtime
