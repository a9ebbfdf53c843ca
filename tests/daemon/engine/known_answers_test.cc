#include "daemon/engine/known_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/engine/hash_decoder.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_engine {
namespace {

using testing::HasSubstr;

constexpr runtime::DecoderShape kShape = {.vocabulary = 48,
                                          .context_tokens_max = 64,
                                          .block_tokens = 8,
                                          .blocks = 16,
                                          .rows_max = 4,
                                          .logit_rows_max = 4};

KnownAnswer sample(std::string kernels) {
  return {std::move(kernels), "f16", "model/x.gguf", {1, 2}, {17, 4, 5, 6}, {-0.5F, -1, -2, 0}};
}

TEST(KnownAnswers, ReadsWhatItWrote) {
  KnownAnswers known;
  known.add(sample("avx2"));
  known.add(sample("avx512"));
  const auto read = KnownAnswers::parse(known.serialize());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value().serialize(), known.serialize());
  const KnownAnswer* found = read.value().find("avx2", "f16", "model/x.gguf");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->tokens, sample("avx2").tokens);
  EXPECT_EQ(found->logprobs, sample("avx2").logprobs);
  EXPECT_EQ(read.value().find("avx2", "q8_0", "model/x.gguf"), nullptr);
  EXPECT_EQ(read.value().find("avx2", "f16", "model/y.gguf"), nullptr);
  EXPECT_EQ(KnownAnswers::parse("").value().find("avx2", "f16", "model/x.gguf"), nullptr);
}

TEST(KnownAnswers, KeepsTheNewestWithinWhatAReportHolds) {
  KnownAnswers known;
  for (int i = 0; i < 20; ++i) known.add(sample("kernels " + std::to_string(i)));
  EXPECT_EQ(known.find("kernels 11", "f16", "model/x.gguf"), nullptr);
  EXPECT_NE(known.find("kernels 12", "f16", "model/x.gguf"), nullptr);
  EXPECT_NE(known.find("kernels 19", "f16", "model/x.gguf"), nullptr);
  EXPECT_LT(known.serialize().size(), 4'096U);
}

TEST(KnownAnswers, RefusesWhatItWouldNotWrite) {
  EXPECT_FALSE(KnownAnswers::parse("{}").ok());
  EXPECT_FALSE(
      KnownAnswers::parse(R"({"type":"redoubt-known-answers","format":2,"answers":[]})").ok());
  EXPECT_FALSE(
      KnownAnswers::parse(R"({"type":"redoubt-known-answers","format":1,"answers":[{}]})").ok());
  EXPECT_FALSE(KnownAnswers::parse(std::string(kKnownAnswersBytesMax, ' ') + "{}").ok());
}

TEST(KnownAnswers, AsksAShortPromptThatFollowsFromTheVocabulary) {
  const runtime::SmallTokenizer tokenizer;
  const auto prompt = fixed_prompt(tokenizer);
  EXPECT_EQ(prompt.size(), 8U);
  EXPECT_EQ(prompt, fixed_prompt(tokenizer));
  EXPECT_EQ(prompt[0], runtime::SmallTokenizer::kBos);
  for (const auto token : prompt) EXPECT_LT(token, 48);
}

TEST(KnownAnswers, AnswersGreedilyWithFourTokens) {
  runtime::HashDecoder decoder(kShape);
  const runtime::SmallTokenizer tokenizer;
  KnownAnswer answer;
  answer.prompt = fixed_prompt(tokenizer);
  const auto engine = make_answering_engine(decoder, tokenizer).value();
  ASSERT_TRUE(answer_prompt(*engine, 64, answer).ok());
  ASSERT_EQ(answer.tokens.size(), kKnownTokens);
  auto tokens = answer.prompt;
  for (const auto token : answer.tokens) {
    const auto logits = runtime::hash_logits(tokens, kShape.vocabulary);
    EXPECT_EQ(token, std::max_element(logits.begin(), logits.end()) - logits.begin());
    tokens.push_back(token);
  }
  EXPECT_EQ(decoder.forwards(), 5U)
      << "two for the prompt in steps of four rows, three more for the rest";
}

TEST(KnownAnswers, SaysWhatDiffers) {
  const KnownAnswer known = sample("avx2");
  EXPECT_TRUE(compare_answers(known, known).ok());
  KnownAnswer now = known;
  now.logprobs[1] += 1e-5F;
  EXPECT_TRUE(compare_answers(known, now).ok()) << "a newer mathematical library";
  now.logprobs[1] += 1e-2F;
  EXPECT_THAT(compare_answers(known, now).error().message,
              HasSubstr("the log-probability of token 2 is -0.98999, was -1.00000"));
  now = known;
  now.tokens[1] = 511;
  EXPECT_EQ(compare_answers(known, now).error().message,
            "known-answer test failed: token 2 is 511, was 4");
  now.tokens.pop_back();
  EXPECT_FALSE(compare_answers(known, now).ok());
}

TEST(KnownAnswers, TellsADeviceErrorFromAWrongAnswer) {
  runtime::HashDecoder decoder(kShape);
  const runtime::SmallTokenizer tokenizer;
  KnownAnswer answer;
  answer.prompt = fixed_prompt(tokenizer);
  decoder.spoil_after(answer.prompt.back());
  const auto engine = make_answering_engine(decoder, tokenizer).value();
  EXPECT_EQ(answer_prompt(*engine, 64, answer).error().code, base::ErrorCode::kDenied);
  decoder.fail();
  EXPECT_EQ(answer_prompt(*engine, 64, answer).error().code, base::ErrorCode::kDevice);
}

}  // namespace
}  // namespace daemon_engine
