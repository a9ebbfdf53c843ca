#include "daemon/replay/verdict.h"

#include <gtest/gtest.h>

namespace daemon_replay {
namespace {

using runtime::FinishReason;
using Kind = Verdict::Kind;

RecordedRequest recorded(std::vector<RecordedChoice> choices) {
  RecordedRequest request;
  request.outcome = "ok";
  request.choices = std::move(choices);
  return request;
}

TEST(VerdictTest, IsIdenticalWhereEveryTokenIs) {
  const auto request = recorded({{3, "stop", ""}, {2, "length", ""}});
  const Verdict verdict =
      compare(request, {.tokens = ChoiceTokens{{1, 2, 3}, {4, 5}}, .salt = {}},
              {{{1, 2, 3}, FinishReason::kStop}, {{4, 5}, FinishReason::kLength}});
  EXPECT_EQ(verdict.kind, Kind::kIdentical);
  EXPECT_EQ(verdict.tokens, 5U);
  EXPECT_FALSE(verdict.partial);
}

TEST(VerdictTest, NamesTheFirstTokenThatDiffers) {
  const auto request = recorded({{1, "stop", ""}, {3, "stop", ""}});
  const Verdict verdict = compare(request, {.tokens = ChoiceTokens{{1}, {7, 8, 9}}, .salt = {}},
                                  {{{1}, FinishReason::kStop}, {{7, 4, 9}, FinishReason::kStop}});
  EXPECT_EQ(verdict.kind, Kind::kDiffers);
  EXPECT_EQ(verdict.difference.choice, 1U);
  EXPECT_EQ(verdict.difference.at, 1U);
  EXPECT_EQ(verdict.difference.expected, "8");
  EXPECT_EQ(verdict.difference.got, "4");
}

TEST(VerdictTest, ToldTokensTooFewOrTooManyDiffer) {
  const auto request = recorded({{2, "length", ""}});
  const Expected expected = {.tokens = ChoiceTokens{{1, 2}}, .salt = {}};
  const Verdict more = compare(request, expected, {{{1, 2, 3}, FinishReason::kLength}});
  EXPECT_EQ(more.kind, Kind::kDiffers);
  EXPECT_EQ(more.difference.expected, "the end");
  EXPECT_EQ(more.difference.got, "3");
  const Verdict fewer = compare(request, expected, {{{1}, FinishReason::kLength}});
  EXPECT_EQ(fewer.difference.at, 1U);
  EXPECT_EQ(fewer.difference.got, "the end");
  const Verdict other = compare(request, expected, {{{1, 2}, FinishReason::kStop}});
  EXPECT_EQ(other.kind, Kind::kDiffers) << "it ended for another reason";
}

TEST(VerdictTest, ComparesAnAnswerThatWasCutShortAsFarAsItCame) {
  RecordedRequest request = recorded({{2, "", ""}, {1, "cancelled", ""}});
  request.outcome = "cancelled";
  const Expected expected = {.tokens = ChoiceTokens{{1, 2}, {5}}, .salt = {}};
  const Verdict verdict = compare(
      request, expected, {{{1, 2, 3}, FinishReason::kLength}, {{5, 6}, FinishReason::kLength}});
  EXPECT_EQ(verdict.kind, Kind::kIdentical);
  EXPECT_TRUE(verdict.partial);
  EXPECT_EQ(verdict.tokens, 3U);
  const Verdict differs = compare(
      request, expected, {{{1, 2, 3}, FinishReason::kLength}, {{6, 6}, FinishReason::kLength}});
  EXPECT_EQ(differs.kind, Kind::kDiffers);
}

TEST(VerdictTest, ComparesDigestsWhereNoTokensAreKnown) {
  const daemon_audit::Salt salt{};
  const std::vector<runtime::TokenId> tokens = {1, 2, 3};
  const auto request = recorded({{3, "stop", daemon_audit::digest_tokens(salt, 0, tokens)}});
  const Expected expected = {.tokens = {}, .salt = salt};
  EXPECT_EQ(compare(request, expected, {{tokens, FinishReason::kStop}}).kind, Kind::kIdentical);
  const Verdict differs = compare(request, expected, {{{1, 2, 4}, FinishReason::kStop}});
  EXPECT_EQ(differs.kind, Kind::kDiffers);
  EXPECT_FALSE(differs.difference.at) << "a digest does not say where";
}

TEST(VerdictTest, SkipsWhereThereIsNothingToCompareWith) {
  const daemon_audit::Salt salt{};
  const std::string digest = daemon_audit::digest_tokens(salt, 0, {});
  const std::vector<ReplayedChoice> replayed = {{{1}, FinishReason::kStop}};
  EXPECT_EQ(compare(recorded({{1, "stop", digest}}), {}, replayed).kind, Kind::kSkipped);
  EXPECT_EQ(compare(recorded({{1, "stop", ""}}), {{}, salt}, replayed).kind, Kind::kSkipped);
  EXPECT_EQ(compare(recorded({{1, "", digest}}), {{}, salt}, replayed).kind, Kind::kSkipped);
}

}  // namespace
}  // namespace daemon_replay
