#include "runtime/tokenizer/vocabulary_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "runtime/tokenizer/limits.h"
#include "tests/runtime/tokenizer/small_vocabulary.h"

namespace runtime {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

struct Spoiled {
  const char* what;
  std::function<void(Vocabulary&)> spoil;
  ErrorCode code;
  const char* names;
};

TEST(VocabularyCheck, NamesWhatContradictsItself) {
  const Spoiled cases[] = {
      {"no tokens", [](Vocabulary& v) { v.tokens.clear(); }, ErrorCode::kInvalidInput, "tokens"},
      {"a token too long", [](Vocabulary& v) { v.tokens[9].assign(kTokenBytesMax + 1, 'x'); },
       ErrorCode::kExhausted, "tokens"},
      {"too many tokens", [](Vocabulary& v) { v.tokens.resize(kVocabularyTokensMax + 1); },
       ErrorCode::kExhausted, "tokens"},
      {"too few types", [](Vocabulary& v) { v.types.pop_back(); }, ErrorCode::kInvalidInput,
       "token_type"},
      {"an unknown type", [](Vocabulary& v) { v.types[3] = static_cast<TokenType>(7); },
       ErrorCode::kInvalidInput, "token_type"},
      {"a byte token of another form", [](Vocabulary& v) { v.types[3] = TokenType::kByte; },
       ErrorCode::kInvalidInput, "token_type"},
      {"a control token without text",
       [](Vocabulary& v) {
         v.tokens[3].clear();
         v.types[3] = TokenType::kControl;
       },
       ErrorCode::kInvalidInput, "tokens"},
      {"a control token too long",
       [](Vocabulary& v) {
         v.tokens[3].assign(kSpecialTokenBytesMax + 1, 'x');
         v.types[3] = TokenType::kControl;
       },
       ErrorCode::kExhausted, "tokens"},
      {"too many scores", [](Vocabulary& v) { v.scores.resize(v.tokens.size() + 1); },
       ErrorCode::kInvalidInput, "scores"},
      {"a score that is no number",
       [](Vocabulary& v) {
         v.scores.assign(v.tokens.size(), std::numeric_limits<float>::quiet_NaN());
       },
       ErrorCode::kInvalidInput, "scores"},
      {"an id out of range", [](Vocabulary& v) { v.eos = static_cast<TokenId>(v.tokens.size()); },
       ErrorCode::kInvalidInput, "eos_token_id"},
      {"a negative id", [](Vocabulary& v) { v.padding = -2; }, ErrorCode::kInvalidInput,
       "padding_token_id"},
      {"a bos that is not there", [](Vocabulary& v) { v.add_bos = true; }, ErrorCode::kInvalidInput,
       "add_bos_token"},
      {"a merge of one", [](Vocabulary& v) { v.merges.push_back("ab"); }, ErrorCode::kInvalidInput,
       "merges"},
      {"a merge with nothing", [](Vocabulary& v) { v.merges.push_back("a "); },
       ErrorCode::kInvalidInput, "merges"},
      {"an empty merge", [](Vocabulary& v) { v.merges.push_back(""); }, ErrorCode::kInvalidInput,
       "merges"},
  };
  ASSERT_TRUE(check_vocabulary(small_bpe("gpt-2", {"a b"})).ok());
  for (const Spoiled& row : cases) {
    Vocabulary vocabulary = small_bpe("gpt-2", {"a b"});
    row.spoil(vocabulary);
    const base::Status status = check_vocabulary(vocabulary);
    ASSERT_FALSE(status.ok()) << row.what;
    EXPECT_EQ(status.error().code, row.code) << row.what;
    EXPECT_THAT(status.error().message, HasSubstr(row.names)) << row.what;
  }
}

TEST(Tokenizer, RefusesWhatItDoesNotKnowByName) {
  Vocabulary kind = small_bpe("gpt-2", {"a b"});
  kind.model = "rwkv\n\x1b[31m";
  const auto unknown_kind = Tokenizer::create(kind);
  ASSERT_FALSE(unknown_kind.ok());
  EXPECT_EQ(unknown_kind.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(unknown_kind.error().message, HasSubstr("\"rwkv??[31m\""));

  const auto unknown_pre = Tokenizer::create(small_bpe("martian", {"a b"}));
  ASSERT_FALSE(unknown_pre.ok());
  EXPECT_EQ(unknown_pre.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(unknown_pre.error().message, HasSubstr("\"martian\""));
}

TEST(Tokenizer, RefusesKindsWithoutTheirData) {
  Vocabulary spm = small_spm({"a"});
  spm.scores.clear();
  EXPECT_FALSE(Tokenizer::create(spm).ok());
  EXPECT_FALSE(Tokenizer::create(small_bpe("gpt-2", {})).ok());
}

// Each of n tokens "a", "aa", … can be made in as many ways as it is long: refused before it fills
// the memory.
TEST(Tokenizer, TakesTimeInProportionOnNestedTokens) {
  Vocabulary vocabulary = small_spm({"_"});
  for (std::size_t bytes = 1; bytes <= kTokenBytesMax; ++bytes) {
    add_token(vocabulary, std::string(bytes, 'a'), TokenType::kNormal);
    vocabulary.scores.push_back(0.0F);
  }
  const auto tokenizer = Tokenizer::create(vocabulary);
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer.value()->decode(encode(*tokenizer.value(), std::string(5000, 'a'))),
            std::string(5000, 'a'));
}

}  // namespace
}  // namespace runtime
