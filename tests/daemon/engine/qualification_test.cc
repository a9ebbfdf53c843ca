// Golden prompts and evaluation sets against decoders whose every logit a test can compute by
// itself.
#include "daemon/engine/qualification.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "daemon/engine/evaluation_check.h"
#include "daemon/engine/golden_check.h"
#include "daemon/engine/golden_maker.h"
#include "tests/daemon/engine/spelling_decoder.h"
#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_engine {
namespace {

using base::Json;
using runtime::TokenId;
using testing::HasSubstr;

constexpr std::size_t kContext = 128;
constexpr std::size_t kWindow = 8;
constexpr runtime::DecoderShape kShape = {.vocabulary = 48,
                                          .context_tokens_max = kContext,
                                          .block_tokens = 8,
                                          .blocks = 128,
                                          .rows_max = 64,
                                          .logit_rows_max = 16};

std::unique_ptr<runtime::Engine> make_engine(runtime::Decoder& decoder,
                                             const runtime::Tokenizer& tokenizer) {
  const runtime::EngineOptions options = {
      .sequences_max = 4, .queue_max = kWindow, .step_tokens_max = 32};
  return runtime::Engine::create(options, decoder, tokenizer).value();
}

class QualificationTest : public testing::Test {
 protected:
  QualificationTest() : hash_(kShape), spelling_(kShape) {
    template_ = runtime::ChatTemplate::parse(
                    "{{ bos_token }}{% for m in messages %}<|turn|>{{ m.role }}{{ m.content | trim "
                    "}}{% endfor %}"
                    "{% if add_generation_prompt %}<|turn|>assistant{% endif %}")
                    .value();
    use(hash_);
  }

  void use(runtime::Decoder& decoder) { engine_ = make_engine(decoder, tokenizer_); }

  QualificationContext context(std::string_view kernels = "hash") {
    return {.engine = *engine_,
            .window = kWindow,
            .tools = {tokenizer_, template_.get(), kContext},
            .kernels = kernels,
            .exact = true,
            .time = 0,
            .progress = [this](std::uint64_t done, std::uint64_t total) {
              done_ = done;
              total_ = total;
            }};
  }

  GoldenSet golden(std::size_t prompts = 3) {
    std::vector<Json> texts;
    for (std::size_t i = 0; i < prompts; ++i)
      texts.push_back(std::string(i % 20 + 1, static_cast<char>('a' + i % 26)));
    auto set = make_golden(context(), texts, 6);
    EXPECT_TRUE(set.ok()) << set.error().message;
    return std::move(set).value();
  }

  EvaluationSet one_item(EvaluationKind kind, Json prompt, std::string answer) const {
    EvaluationSet set;
    set.name = "facts";
    set.kind = kind;
    set.minimum = 1;
    set.tokens_max = 8;
    set.items.push_back({.prompt = std::move(prompt),
                         .answer = std::move(answer),
                         .choices = {},
                         .right = 0,
                         .schema = {}});
    return set;
  }

  EvaluationResult check(const EvaluationSet& set) {
    auto result = check_evaluation(context(), set);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? std::move(result).value() : EvaluationResult();
  }

  // The sum over tokens[from …], and how likely the last of them is, from the logits themselves.
  static double log_likelihood(const std::vector<TokenId>& tokens, std::size_t from) {
    double sum = 0;
    for (std::size_t i = from; i < tokens.size(); ++i) {
      const std::vector<float> logits =
          runtime::hash_logits(std::span(tokens).first(i), kShape.vocabulary);
      double all = 0;
      for (const float logit : logits) all += std::exp(static_cast<double>(logit));
      sum += static_cast<double>(logits[static_cast<std::size_t>(tokens[i])]) - std::log(all);
    }
    return sum;
  }

  std::vector<TokenId> encode(std::string_view text) const {
    std::vector<TokenId> tokens;
    EXPECT_TRUE(tokenizer_.encode(text, {.add_special = true}, kContext, tokens).ok());
    return tokens;
  }

  const runtime::SmallTokenizer tokenizer_;
  runtime::HashDecoder hash_;
  SpellingDecoder spelling_;
  std::unique_ptr<runtime::ChatTemplate> template_;
  std::unique_ptr<runtime::Engine> engine_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
};

// ---- golden prompts

TEST_F(QualificationTest, FindsItsOwnGoldenAnswersAgain) {
  const GoldenSet set = golden(50);
  const auto result = check_golden(context(), set).value();
  EXPECT_TRUE(result.exact);
  EXPECT_EQ(result.prompts, 50U);
  EXPECT_EQ(result.agreement, 1);
  EXPECT_EQ(result.difference, 0);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(done_, 50U);
  EXPECT_EQ(total_, 50U);
}

TEST_F(QualificationTest, WritesDownTheLikeliestTokensAndHowLikelyTheyAre) {
  const GoldenSet set = golden(1);
  const GoldenSet::Prompt& prompt = set.prompts[0];
  EXPECT_EQ(prompt.tokens, encode("a"));
  std::vector<TokenId> tokens = prompt.tokens;
  for (std::size_t i = 0; i < prompt.expected.size(); ++i) {
    const auto logits = runtime::hash_logits(tokens, kShape.vocabulary);
    EXPECT_EQ(prompt.expected[i], std::max_element(logits.begin(), logits.end()) - logits.begin());
    tokens.push_back(prompt.expected[i]);
    EXPECT_NEAR(static_cast<double>(prompt.logprobs[i]), log_likelihood(tokens, tokens.size() - 1),
                1e-5);
  }
}

TEST_F(QualificationTest, NamesTheFirstGoldenTokenThatIsWrong) {
  GoldenSet set = golden();
  const TokenId right = set.prompts[1].expected[2];
  set.prompts[1].expected[2] = (right + 1) % 48;
  const auto result = check_golden(context(), set).value();
  EXPECT_EQ(result.failure, fmt::format("golden prompt \"2\": token 3 is {}, expected {}", right,
                                        (right + 1) % 48));
}

TEST_F(QualificationTest, FeedsTheExpectedTokensInOnAnotherKernelSet) {
  const GoldenSet set = golden();
  const auto result = check_golden(context("another"), set).value();
  EXPECT_FALSE(result.exact);
  EXPECT_EQ(result.agreement, 1);
  EXPECT_LT(result.difference, 1e-5);
  EXPECT_EQ(result.failure, "");
  QualificationContext other_cache = context();
  other_cache.exact = false;
  EXPECT_FALSE(check_golden(other_cache, set).value().exact);
}

TEST_F(QualificationTest, MeasuresBothTolerances) {
  GoldenSet set = golden();
  for (auto& prompt : set.prompts) {
    std::vector<TokenId> tokens = prompt.tokens;
    tokens.insert(tokens.end(), prompt.expected.begin(), prompt.expected.end() - 1);
    tokens.push_back((prompt.expected.back() + 1) %
                     48);  // the last: what stands before it is as it was
    prompt.expected = {tokens.end() - static_cast<std::ptrdiff_t>(prompt.expected.size()),
                       tokens.end()};
    prompt.logprobs.back() = static_cast<float>(log_likelihood(tokens, tokens.size() - 1));
  }
  std::size_t expected = 0;
  for (const auto& prompt : set.prompts) expected += prompt.expected.size();
  const double share =
      static_cast<double>(expected - set.prompts.size()) / static_cast<double>(expected);
  set.agreement_min = share - 0.01;
  auto result = check_golden(context("another"), set).value();
  EXPECT_NEAR(result.agreement, share, 1e-9);
  EXPECT_EQ(result.failure, "");
  set.agreement_min = share + 0.01;
  EXPECT_THAT(check_golden(context("another"), set).value().failure,
              HasSubstr("of the tokens agree"));
  set.agreement_min = 0;
  for (auto& prompt : set.prompts) {
    for (float& logprob : prompt.logprobs) logprob -= 0.25F;
  }
  result = check_golden(context("another"), set).value();
  EXPECT_NEAR(result.difference, 0.25, 1e-4);
  EXPECT_THAT(result.failure, HasSubstr("log-probabilities differ by 0.25"));
}

TEST_F(QualificationTest, RefusesGoldenPromptsThatDoNotFit) {
  GoldenSet set = golden();
  set.prompts[2].tokens.assign(kContext - 2, 7);
  const auto result = check_golden(context(), set);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("prompt \"3\""));
  use(hash_);
  set.prompts[2].tokens = {99};
  EXPECT_THAT(check_golden(context(), set).error().message,
              HasSubstr("the vocabulary has 48 tokens"));
}

// ---- evaluation sets

TEST_F(QualificationTest, ComparesExactAnswersAfterTrimming) {
  use(spelling_);
  spelling_.answers_with("paris");
  EXPECT_TRUE(check(one_item(EvaluationKind::kExact, "q", " paris\n")).passed());
  const auto wrong = check(one_item(EvaluationKind::kExact, "q", "london"));
  EXPECT_FALSE(wrong.passed());
  EXPECT_EQ(wrong.score, 0);
  EXPECT_EQ(wrong.first_miss, 0U);
}

TEST_F(QualificationTest, MatchesAnswersWithPatterns) {
  use(spelling_);
  spelling_.answers_with("paris");
  EXPECT_TRUE(check(one_item(EvaluationKind::kRegex, "q", "^p.*s$")).passed());
  EXPECT_FALSE(check(one_item(EvaluationKind::kRegex, "q", "^q")).passed());
  EXPECT_FALSE(check(one_item(EvaluationKind::kRegex, "q", "^(\\w+)+!$")).passed());
}

TEST_F(QualificationTest, ReadsAnswersAsJson) {
  use(spelling_);
  spelling_.answers_with("true");
  EvaluationSet set = one_item(EvaluationKind::kJson, "q", "");
  set.items[0].schema.push_back(JsonSchema::parse(Json::object({{"type", "boolean"}})).value());
  EXPECT_TRUE(check(set).passed());
  set.items[0].schema[0] = JsonSchema::parse(Json::object({{"type", "null"}})).value();
  EXPECT_THAT(check(set).why, HasSubstr("wrong type"));
  spelling_.answers_with("tru");
  EXPECT_THAT(check(set).why, HasSubstr("not JSON"));
}

TEST_F(QualificationTest, ChoosesTheLikeliestContinuation) {
  EvaluationSet set = one_item(EvaluationKind::kChoice, "abc", "");
  set.items[0].choices = {" a b", "z", "def"};
  std::size_t likeliest = 0;
  std::vector<double> sums;
  for (const std::string& choice : set.items[0].choices)
    sums.push_back(log_likelihood(encode("abc" + choice), 4));
  for (std::size_t i = 0; i < sums.size(); ++i)
    likeliest = sums[i] > sums[likeliest] ? i : likeliest;
  for (std::size_t right = 0; right < sums.size(); ++right) {
    set.items[0].right = right;
    EXPECT_EQ(check(set).passed(), right == likeliest) << right;
  }
}

TEST_F(QualificationTest, MeasuresTheMeanLogProbabilityOfAnswers) {
  EvaluationSet set = one_item(EvaluationKind::kLikelihood, "abc", "def");
  set.items.push_back({.prompt = "z", .answer = " a", .choices = {}, .right = 0, .schema = {}});
  const double mean = (log_likelihood(encode("abcdef"), 4) + log_likelihood(encode("z a"), 2)) / 4;
  set.minimum = mean - 0.001;
  EXPECT_NEAR(check(set).score, mean, 1e-5);
  EXPECT_TRUE(check(set).passed());
  set.minimum = mean + 0.001;
  EXPECT_FALSE(check(set).passed());
}

TEST_F(QualificationTest, ContinuesAChatByTheAssistantsOpenMessage) {
  Json chat = Json::array();
  chat.push_back(Json::object({{"role", "user"}, {"content", "hi"}}));
  EvaluationSet set = one_item(EvaluationKind::kLikelihood, chat, "ok");
  set.minimum = kLikelihoodMin;
  std::vector<TokenId> tokens;
  const std::vector<runtime::TextSpan> spans = {
      {"<s><|turn|>", true}, {"userhi", false}, {"<|turn|>", true}, {"assistantok", false}};
  ASSERT_TRUE(tokenizer_.encode_spans(spans, false, kContext, tokens).ok());
  EXPECT_NEAR(check(set).score, log_likelihood(tokens, tokens.size() - 2) / 2, 1e-5);
  template_.reset();
  const auto without = check_evaluation(context(), set);
  ASSERT_FALSE(without.ok());
  EXPECT_THAT(without.error().message,
              HasSubstr("evaluation set facts: item 1: the model has no chat template"));
}

TEST_F(QualificationTest, RunsManyItemsAndCountsThoseThatHold) {
  use(spelling_);
  spelling_.answers_with("yes");
  EvaluationSet set = one_item(EvaluationKind::kExact, "q", "no");
  set.items.resize(200, set.items[0]);
  for (std::size_t i = 0; i < 150; ++i) set.items[199 - i].answer = "yes";
  const auto result = check(set);
  EXPECT_EQ(result.score, 0.75);
  EXPECT_EQ(result.first_miss, 0U);
  EXPECT_EQ(done_, 200U);
}

TEST_F(QualificationTest, NamesAnItemThatCannotBeAsked) {
  EvaluationSet set = one_item(EvaluationKind::kExact, std::string(kContext, 'a'), "b");
  const auto result = check_evaluation(context(), set);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message,
              HasSubstr("evaluation set facts: item 1: This model's context is 128 tokens"));
}

// ---- the whole

TEST_F(QualificationTest, ReportsAllThatWasRun) {
  const GoldenSet set = golden();
  EvaluationSet likelihood = one_item(EvaluationKind::kLikelihood, "abc", "def");
  likelihood.minimum = kLikelihoodMin;
  const auto report = qualify(context(), &set, {likelihood, likelihood}).value();
  EXPECT_TRUE(report.passed());
  EXPECT_EQ(done_, 5U);
  EXPECT_EQ(total_, 5U);
  const Json json = report.serialize();
  EXPECT_TRUE(json.find("passed")->as_bool());
  EXPECT_EQ(json.find("golden")->find("mode")->as_string(), "exact");
  EXPECT_EQ(json.find("evaluations")->as_array().size(), 2U);
}

TEST_F(QualificationTest, EndsWithTheDevice) {
  const GoldenSet set = golden();
  hash_.fail();
  const auto report = qualify(context(), &set, {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::ErrorCode::kDevice);
}

TEST_F(QualificationTest, RefusesLogitsThatAreNoNumbers) {
  const GoldenSet set = golden();
  hash_.spoil_after(runtime::SmallTokenizer::kLetterA);
  const auto report = qualify(context(), &set, {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::ErrorCode::kDenied);
}

TEST(QualificationReport, SaysWhatFellShort) {
  QualificationReport report;
  EvaluationResult& facts = report.evaluations.emplace_back();
  facts.name = "facts";
  facts.score = 0.41;
  facts.minimum = 0.8;
  EXPECT_EQ(report.failure(), "qualification failed: facts 0.41, minimum 0.80");
  report.evaluations[0].score = 0.7999;
  EXPECT_EQ(report.failure(), "qualification failed: facts 0.799900, minimum 0.800000");
  report.golden.emplace().failure = "golden prompt \"1\": token 1 is 2, expected 3";
  EXPECT_THAT(report.failure(), HasSubstr("expected 3; facts"));
  report.evaluations.resize(kEvaluationsMax, report.evaluations[0]);
  EXPECT_LE(report.failure().size(), 512U);
  EXPECT_LE(report.serialize().dump().size(), 8192U);
}

}  // namespace
}  // namespace daemon_engine
