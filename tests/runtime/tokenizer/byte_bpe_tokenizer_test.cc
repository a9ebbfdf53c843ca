#include "runtime/tokenizer/byte_bpe_tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/runtime/tokenizer/small_vocabulary.h"

namespace runtime {
namespace {

using Ids = std::vector<TokenId>;

TEST(ByteBpe, MergesWithinWordsInOrderOfRank) {
  const auto tokenizer = make_tokenizer(small_bpe("gpt-2", {"h e", "t he", "Ġ the", "e l"}));
  EXPECT_EQ(pieces(*tokenizer, "the the hel"), "[the][ the][ ][he][l]");
}

TEST(ByteBpe, TakesWholeWordsWhereTheModelDoes) {
  Vocabulary vocabulary = small_bpe("gpt-2", {"a b"});
  add_token(vocabulary, "abc", TokenType::kNormal);
  EXPECT_EQ(pieces(*make_tokenizer(vocabulary), "abc"), "[ab][c]");
  vocabulary.pre = "llama-bpe";
  EXPECT_EQ(pieces(*make_tokenizer(vocabulary), "abc"), "[abc]");
}

TEST(ByteBpe, NeverMakesAControlTokenFromText) {
  Vocabulary vocabulary = small_bpe("llama-bpe", {"a b"});
  vocabulary.types.back() = TokenType::kControl;
  add_token(vocabulary, "xyz", TokenType::kControl);
  EXPECT_EQ(pieces(*make_tokenizer(vocabulary), "ab xyz"), "[a][b][ ][x][y][z]");
}

TEST(ByteBpe, EncodesAnyBytes) {
  const auto tokenizer = make_tokenizer(small_bpe("gpt-2", {"Ã ©"}));
  const std::string text = "a\xFF\xC3\xA9\xC3 \xED\xA0\x80\xF0\x9F\x98";
  EXPECT_EQ(tokenizer->decode(encode(*tokenizer, text)), text);
  EXPECT_EQ(pieces(*tokenizer, "\xFF\xC3\xA9"), "[\xFF][\xC3\xA9]");
}

TEST(ByteBpe, WritesABadByteWithoutTokenAsReplacement) {
  Vocabulary vocabulary = small_bpe("gpt-2", {"a b"});
  vocabulary.tokens[0xFF] = "something else";
  EXPECT_EQ(pieces(*make_tokenizer(vocabulary), "\xFF"), "[\xEF][\xBF][\xBD]");
}

TEST(ByteBpe, KeepsNeighboursOfAMissingByteApart) {
  Vocabulary vocabulary = small_bpe("gpt-2", {"a b"});
  vocabulary.tokens['x'] = "something else";
  EXPECT_EQ(pieces(*make_tokenizer(vocabulary), "axb"), "[a][b]");
  vocabulary.unknown = 0;
  EXPECT_EQ(encode(*make_tokenizer(vocabulary), "axb"), (Ids{'a', 0, 'b'}));
}

TEST(ByteBpe, AddsBeginAndEndWhereAsked) {
  Vocabulary vocabulary = small_bpe("gpt-2", {"a b"});
  vocabulary.bos = vocabulary.eos = add_token(vocabulary, "<|end|>", TokenType::kControl);
  const TokenId end = vocabulary.bos;
  EXPECT_EQ(encode(*make_tokenizer(vocabulary), "a", {.add_special = true}), Ids{'a'});
  EXPECT_FALSE(make_tokenizer(vocabulary)->adds_bos());
  vocabulary.add_bos = vocabulary.add_eos = true;
  EXPECT_EQ(encode(*make_tokenizer(vocabulary), "a", {.add_special = true}), (Ids{end, 'a', end}));
  EXPECT_EQ(encode(*make_tokenizer(vocabulary), "a"), Ids{'a'});
  vocabulary.add_bos.reset();
  vocabulary.pre = "llama-bpe";
  EXPECT_TRUE(make_tokenizer(vocabulary)->adds_bos());
}

TEST(ByteBpe, HidesControlTokensUnlessShown) {
  Vocabulary vocabulary = small_bpe("gpt-2", {"a b"});
  const TokenId end = add_token(vocabulary, "<|im_end|>", TokenType::kControl);
  const auto tokenizer = make_tokenizer(vocabulary);
  EXPECT_EQ(tokenizer->piece(end), "");
  EXPECT_EQ(tokenizer->piece(end, true), "<|im_end|>");
  EXPECT_EQ(tokenizer->decode({'a', end, 'b'}), "ab");
  EXPECT_EQ(tokenizer->decode({'a', end}, true), "a<|im_end|>");
  EXPECT_EQ(encode(*tokenizer, "<|im_end|>", {.parse_special = true}), Ids{end});
  EXPECT_EQ(encode(*tokenizer, "<|im_end|>").size(), 10U);
}

TEST(ByteBpe, StopsAtTheLimit) {
  const auto tokenizer = make_tokenizer(small_bpe("gpt-2", {"a b"}));
  Ids ids;
  EXPECT_TRUE(tokenizer->encode("abab", {}, 2, ids).ok());
  ids.clear();
  const base::Status status = tokenizer->encode("ababa", {}, 2, ids);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, base::ErrorCode::kExhausted);
  EXPECT_FALSE(
      tokenizer->encode(std::string(std::size_t{1} << 26, ' ') + "x", {}, 1 << 30, ids).ok());
}

TEST(ByteBpe, TakesNoLongerOnLongWords) {
  const auto tokenizer = make_tokenizer(small_bpe("gpt-2", {"a a", "aa aa", "aaaa aaaa"}));
  const std::string text(300'000, 'a');
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(encode(*tokenizer, text).size(), text.size() / 8);
  // Milliseconds as it is; hours if it were quadratic.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(ByteBpe, RunsTextOnAcrossSpans) {
  Vocabulary vocabulary = small_bpe("gpt-2", {"a b"});
  const TokenId user = add_token(vocabulary, "<u>", TokenType::kControl);
  const auto tokenizer = make_tokenizer(vocabulary);
  const TextSpan spans[] = {{"<u>a", true}, {"b<u>", false}};
  Ids ids;
  ASSERT_TRUE(tokenizer->encode_spans(spans, false, 100, ids).ok());
  EXPECT_EQ(ids, (Ids{user, 256, '<', 'u', '>'}));
}

}  // namespace
}  // namespace runtime
