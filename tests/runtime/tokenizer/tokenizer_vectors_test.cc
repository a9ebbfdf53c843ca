// Small vocabularies against SentencePiece and Hugging Face's tokenizers.
#include <gtest/gtest.h>

#include "runtime/tokenizer/tokenizer.h"
#include "tests/runtime/tokenizer/vector_file.h"

namespace runtime {
namespace {

constexpr std::size_t kPlenty = 1000;

std::vector<TokenId> encode(const Tokenizer& tokenizer, const std::string& text) {
  std::vector<TokenId> ids;
  EXPECT_TRUE(tokenizer.encode(text, {}, kPlenty, ids).ok());
  return ids;
}

class TokenizerVectorsTest : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerVectorsTest, GivesTheIdsOfTheOriginal) {
  const TokenizerVectors vectors = read_tokenizer_vectors(GetParam());
  const auto tokenizer = Tokenizer::create(vectors.vocabulary);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  ASSERT_GT(vectors.cases.size(), 40U);
  for (const auto& [text, ids] : vectors.cases) {
    EXPECT_EQ(encode(*tokenizer.value(), text), ids) << testing::PrintToString(text);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerVectorsTest,
                         testing::Values("bpe-command-r", "bpe-deepseek-v3", "bpe-gpt-2",
                                         "bpe-gpt-4o", "bpe-llama-bpe", "spm-byte-fallback",
                                         "spm-unknown", "unigram", "unigram-rules",
                                         "word-piece-cased", "word-piece-uncased"));

class LosslessVectorsTest : public testing::TestWithParam<const char*> {};

TEST_P(LosslessVectorsTest, BringsEveryTextBack) {
  const TokenizerVectors vectors = read_tokenizer_vectors(GetParam());
  const auto tokenizer = Tokenizer::create(vectors.vocabulary);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  for (const auto& [text, ids] : vectors.cases) {
    // To SentencePiece, U+2581 written out is a space.
    if (vectors.vocabulary.model == "llama" && text.find("\u2581") != std::string::npos) continue;
    EXPECT_EQ(tokenizer.value()->decode(ids), text);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, LosslessVectorsTest,
                         testing::Values("bpe-command-r", "bpe-deepseek-v3", "bpe-gpt-2",
                                         "bpe-gpt-4o", "bpe-llama-bpe", "spm-byte-fallback"));

}  // namespace
}  // namespace runtime
