#include "runtime/tokenizer/spm_tokenizer.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/runtime/tokenizer/small_vocabulary.h"

namespace runtime {
namespace {

using Ids = std::vector<TokenId>;

Vocabulary words() {
  return small_spm({"_t", "he", "_the", "_", "t", "h", "e", "l"});
}

TEST(Spm, MergesByScore) {
  const auto tokenizer = make_tokenizer(words());
  EXPECT_EQ(pieces(*tokenizer, "the hel"), "[ the][ ][he][l]");
}

TEST(Spm, PutsASpaceInFrontAndTakesItAway) {
  const auto tokenizer = make_tokenizer(words());
  for (const std::string text : {"the", " the", "", " ", "  ", "the the"}) {
    EXPECT_EQ(tokenizer->decode(encode(*tokenizer, text)), text);
  }
  Vocabulary without = words();
  without.add_space_prefix = false;
  EXPECT_EQ(pieces(*make_tokenizer(without), "the"), "[t][he]");
}

TEST(Spm, PutsASpaceBehindSpecialTokensToo) {
  const auto tokenizer = make_tokenizer(words());
  const Ids ids = encode(*tokenizer, "<s>the</s>the", {.parse_special = true});
  EXPECT_EQ(pieces(*tokenizer, "<s>the</s>the", {.parse_special = true}),
            "[<s>][ the][</s>][ the]");
  EXPECT_EQ(tokenizer->decode(ids, true), "<s>the</s>the");
  EXPECT_EQ(tokenizer->decode(ids), "thethe");
}

TEST(Spm, WritesUnknownCharactersInBytes) {
  const auto tokenizer = make_tokenizer(words());
  EXPECT_EQ(pieces(*tokenizer, "t\u00e9\xFF"), "[ t][\xC3][\xA9][\xFF]");
  const std::string text = "t\u00e9\xFF\xC3 \xF0\x9F\x98 \n\t\x01";
  EXPECT_EQ(tokenizer->decode(encode(*tokenizer, text)), text);
}

TEST(Spm, NeverMakesControlOrByteTokensFromText) {
  // "</" and "s>" are tokens, and the control token "</s>" has the best score of all.
  Vocabulary vocabulary = small_spm({"</", "s>", "<", "/", "s", ">", "0", "x", "4", "1"});
  const auto tokenizer = make_tokenizer(vocabulary);
  EXPECT_EQ(pieces(*tokenizer, "</s>"), "[ ][</][s>]");
  EXPECT_EQ(pieces(*tokenizer, "<0x41>"), "[ ][<][0][x][4][1][>]");
}

TEST(Spm, MergesAcrossWordsWhereTokensDo) {
  EXPECT_EQ(pieces(*make_tokenizer(small_spm({"a_b", "a_", "_", "a", "b"})), "a b"), "[ ][a b]");
}

TEST(Spm, MergesCharactersThatAreNoTokens) {
  // Neither "x" nor "y" is a token; their pair is.
  EXPECT_EQ(pieces(*make_tokenizer(small_spm({"xy", "_"})), "xyx"), "[ ][xy][x]");
}

TEST(Spm, AddsBeginByDefault) {
  const auto tokenizer = make_tokenizer(words());
  EXPECT_TRUE(tokenizer->adds_bos());
  EXPECT_EQ(encode(*tokenizer, "", {.add_special = true}), Ids{1});
  EXPECT_EQ(tokenizer->end_tokens(), Ids{2});
}

TEST(Spm, UnknownRunsAreOneTokenWithoutByteTokens) {
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.unknown = add_token(vocabulary, "<unk>", TokenType::kUnknown);
  add_token(vocabulary, "\u2581", TokenType::kNormal);
  add_token(vocabulary, "a", TokenType::kNormal);
  vocabulary.scores = {0, -1, -2};
  EXPECT_EQ(encode(*make_tokenizer(vocabulary), "xyza"), (Ids{1, 0, 2}));
  vocabulary.unknown = kNoToken;
  EXPECT_EQ(encode(*make_tokenizer(vocabulary), "xyza"), (Ids{1, 2}));
}

}  // namespace
}  // namespace runtime
