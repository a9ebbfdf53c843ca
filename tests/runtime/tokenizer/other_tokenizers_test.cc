// WordPiece, unigram, and BPE on characters; their exactness is tested by the vectors.
#include <gtest/gtest.h>

#include <string>

#include "tests/runtime/tokenizer/small_vocabulary.h"
#include "tests/runtime/tokenizer/vector_file.h"

namespace runtime {
namespace {

using Ids = std::vector<TokenId>;

Vocabulary bert() {
  Vocabulary vocabulary;
  vocabulary.model = "bert";
  for (const char* text : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"})
    add_token(vocabulary, text, TokenType::kControl);
  for (const char* text : {"\u2581keep", "\u2581un", "known", "\u2581,", "\u2581a", "a"}) {
    add_token(vocabulary, text, TokenType::kNormal);
  }
  return vocabulary;
}

TEST(WordPiece, CutsWordsIntoTheLongestTokens) {
  const auto tokenizer = make_tokenizer(bert());
  EXPECT_EQ(encode(*tokenizer, "Keep, UNKNOWN"), (Ids{4, 7, 5, 6}));
  EXPECT_EQ(encode(*tokenizer, "kéep"), Ids{4});
}

TEST(WordPiece, CallsAWordUnknownAsAWhole) {
  const auto tokenizer = make_tokenizer(bert());
  EXPECT_EQ(encode(*tokenizer, "unx keep"), (Ids{1, 4}));
  EXPECT_EQ(encode(*tokenizer, std::string(100, 'a')).size(), 100U);
  EXPECT_EQ(encode(*tokenizer, std::string(101, 'a')), Ids{1});
}

TEST(WordPiece, DropsWhatIsNotText) {
  EXPECT_EQ(encode(*make_tokenizer(bert()),
                   "ke\xFF\u200d\x01"
                   "ep"),
            Ids{4});
}

TEST(WordPiece, WrapsATextInItsTokens) {
  const auto tokenizer = make_tokenizer(bert());
  EXPECT_EQ(encode(*tokenizer, "keep", {.add_special = true}), (Ids{2, 4, 3}));
  EXPECT_EQ(tokenizer->decode({2, 4, 5, 6, 3}), "keep unknown");
}

Vocabulary gemma() {
  Vocabulary vocabulary;
  vocabulary.model = "gemma4";
  vocabulary.bos = add_token(vocabulary, "<bos>", TokenType::kControl);
  for (unsigned byte = 0; byte < 256; ++byte) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    add_token(vocabulary, std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">",
              TokenType::kByte);
  }
  for (const char* text : {"\u2581", "a", "b", "\n", "\u2581a", "ab", "\n\n"}) {
    add_token(vocabulary, text, TokenType::kNormal);
  }
  vocabulary.merges = {"\u2581 a", "a b"};
  return vocabulary;
}

TEST(CharacterBpe, MergesCharactersAndFallsBackToBytes) {
  const auto tokenizer = make_tokenizer(gemma());
  EXPECT_EQ(pieces(*tokenizer, "ab ab\u00e9"), "[ab][ a][b][\xC3][\xA9]");
  EXPECT_EQ(pieces(*tokenizer, "a\n\na\n\n\na"), "[a][\n\n][a][\n][\n][\n][a]");
  EXPECT_TRUE(tokenizer->adds_bos());
}

TEST(CharacterBpe, BringsAnyBytesBack) {
  const auto tokenizer = make_tokenizer(gemma());
  for (const std::string text : {" a b", "", "\xFF\xC3 ab", "  \n\n\n x"}) {
    EXPECT_EQ(tokenizer->decode(encode(*tokenizer, text)), text);
  }
}

TEST(Unigram, SurvivesAnyBytes) {
  const auto tokenizer = make_tokenizer(read_tokenizer_vectors("unigram-rules").vocabulary);
  EXPECT_EQ(encode(*tokenizer, "\xFF\xFE"), encode(*tokenizer, "\uFFFD\uFFFD"));
  EXPECT_TRUE(encode(*tokenizer, "").empty());
  const Ids ids = encode(*tokenizer, "the walls");
  EXPECT_EQ(tokenizer->decode(ids), "the walls");
}

TEST(Unigram, EndsATextByDefault) {
  const auto tokenizer = make_tokenizer(read_tokenizer_vectors("unigram").vocabulary);
  EXPECT_EQ(encode(*tokenizer, "", {.add_special = true}), Ids{2});
  EXPECT_FALSE(tokenizer->adds_bos());
}

}  // namespace
}  // namespace runtime
