#include "runtime/tokenizer/special_tokens.h"

#include <gtest/gtest.h>

#include <string>

#include "runtime/tokenizer/token_roles.h"
#include "tests/runtime/tokenizer/small_vocabulary.h"

namespace runtime {
namespace {

Vocabulary with_specials() {
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  add_token(vocabulary, "<a>", TokenType::kControl);
  add_token(vocabulary, "<a><b>", TokenType::kControl);
  add_token(vocabulary, "==", TokenType::kUserDefined);
  add_token(vocabulary, "===", TokenType::kUserDefined);
  add_token(vocabulary, "word", TokenType::kNormal);
  add_token(vocabulary, "<unk>", TokenType::kUnknown);
  return vocabulary;
}

// Tokens as numbers, text in quotes.
std::string partition(const Vocabulary& vocabulary, std::string_view text, bool parse_special) {
  const SpecialTokens special(vocabulary, token_types(vocabulary));
  std::string out;
  for (const SpecialTokens::Fragment& fragment : special.partition(text, parse_special)) {
    out += fragment.token == kNoToken ? "'" + std::string(fragment.text) + "'"
                                      : std::to_string(fragment.token);
  }
  return out;
}

TEST(SpecialTokens, FindsTheLongestAtEachPlace) {
  EXPECT_EQ(partition(with_specials(), "x<a><b>y<a>", true), "'x'1'y'0");
  EXPECT_EQ(partition(with_specials(), "=======", true), "33'='");
  EXPECT_EQ(partition(with_specials(), "<unk>word", true), "5'word'");
}

TEST(SpecialTokens, LeavesControlTokensAloneUnlessTheyAreMeant) {
  EXPECT_EQ(partition(with_specials(), "x<a><b> == <unk>", false), "'x<a><b> '2' <unk>'");
  EXPECT_EQ(partition(with_specials(), "", true), "");
}

TEST(SpecialTokens, SwallowTheSpaceBehindThemInPhi3) {
  Vocabulary vocabulary = small_spm({"_", "x"});
  const TokenId user = add_token(vocabulary, "<|assistant|>", TokenType::kControl);
  add_token(vocabulary, "<|placeholder1|>", TokenType::kControl);
  EXPECT_EQ(partition(vocabulary, "x <|assistant|> \n x", true),
            "'x '" + std::to_string(user) + "'x'");
  EXPECT_EQ(partition(vocabulary, "<s> x", true), "1' x'");
}

TEST(SpecialTokens, SwallowTheSpaceBeforeAMask) {
  Vocabulary vocabulary = with_specials();
  vocabulary.model = "t5";
  add_token(vocabulary, "<mask>", TokenType::kControl);
  EXPECT_EQ(partition(vocabulary, "x  <mask> y", true), "'x'6' y'");
}

TEST(TokenRoles, EndsAreTheDeclaredAndTheKnown) {
  Vocabulary vocabulary = with_specials();
  const TokenId im_end = add_token(vocabulary, "<|im_end|>", TokenType::kUserDefined);
  add_token(vocabulary, "<|eot_id|>", TokenType::kNormal);
  const TokenId html = add_token(vocabulary, "</s>", TokenType::kUserDefined);
  vocabulary.eos = 0;
  const std::vector<TokenType> types = token_types(vocabulary);
  EXPECT_EQ(end_tokens(vocabulary, types), (std::vector<TokenId>{0, im_end}));
  EXPECT_EQ(types[static_cast<std::size_t>(im_end)], TokenType::kControl);
  EXPECT_EQ(types[static_cast<std::size_t>(html)], TokenType::kUserDefined);
}

TEST(TokenRoles, EndOfAMessageIsNoEndWhereTurnsHaveSeveral) {
  Vocabulary vocabulary = with_specials();
  const TokenId end = add_token(vocabulary, "<|end|>", TokenType::kControl);
  EXPECT_EQ(end_tokens(vocabulary, token_types(vocabulary)), std::vector<TokenId>{end});
  const TokenId back = add_token(vocabulary, "<|return|>", TokenType::kControl);
  const TokenId call = add_token(vocabulary, "<|call|>", TokenType::kControl);
  EXPECT_EQ(end_tokens(vocabulary, token_types(vocabulary)), (std::vector<TokenId>{back, call}));
}

}  // namespace
}  // namespace runtime
