#include "runtime/tokenizer/unicode_properties.h"

#include <gtest/gtest.h>

namespace runtime {
namespace {

std::u32string decomposed(char32_t character) {
  std::u32string out;
  append_decomposed(out, character);
  return out;
}

std::u32string lowercase(char32_t character) {
  std::u32string out;
  append_lowercase(out, character);
  return out;
}

TEST(UnicodeProperties, KnowsClasses) {
  for (const char32_t c : {U' ', U'\t', U'\u0085', U'\u00a0', U'\u2028', U'\u3000'})
    EXPECT_TRUE(is_white_space(c));
  for (const char32_t c : {U'a', U'\u200b', U'\u180e', U'\ufeff'}) EXPECT_FALSE(is_white_space(c));
  for (const char32_t c : {U'\0', U'\x7f', U'\u200d', U'\ue000'}) EXPECT_TRUE(is_control(c));
  for (const char32_t c : {U'!', U'\u00bf', U'\u3002', U'_'}) EXPECT_TRUE(is_punctuation(c));
  for (const char32_t c : {U'$', U'a', U'\u20ac'}) EXPECT_FALSE(is_punctuation(c));
  EXPECT_TRUE(is_nonspacing_mark(U'\u0301'));
  EXPECT_FALSE(is_nonspacing_mark(U'\u093e'));  // Mc
  for (const char32_t c : {U'0', U'\u0669', U'\uff19', U'\U0001d7ff'})
    EXPECT_TRUE(is_decimal_digit(c));
  for (const char32_t c : {U'\u00bd', U'\u2163', U'a'}) EXPECT_FALSE(is_decimal_digit(c));
  EXPECT_TRUE(is_number(U'\u2163'));
  EXPECT_FALSE(is_number(char32_t{0x10FFFF}));
}

TEST(UnicodeProperties, DecomposesToTheEnd) {
  EXPECT_EQ(decomposed(U'a'), U"a");
  EXPECT_EQ(decomposed(U'\u00e9'), U"e\u0301");
  EXPECT_EQ(decomposed(U'\u1ec7'), U"e\u0323\u0302");
  EXPECT_EQ(decomposed(U'\u212b'), U"A\u030a");
  EXPECT_EQ(decomposed(U'\uac00'), U"\u1100\u1161");
  EXPECT_EQ(decomposed(U'\ud7a3'), U"\u1112\u1175\u11c2");
}

TEST(UnicodeProperties, LowersCase) {
  EXPECT_EQ(lowercase(U'A'), U"a");
  EXPECT_EQ(lowercase(U'a'), U"a");
  EXPECT_EQ(lowercase(U'\u0100'), U"\u0101");
  EXPECT_EQ(lowercase(U'\u0101'), U"\u0101");
  EXPECT_EQ(lowercase(U'\u0416'), U"\u0436");
  EXPECT_EQ(lowercase(U'\u01c5'), U"\u01c6");
  EXPECT_EQ(lowercase(U'\u0130'), U"i\u0307");
  EXPECT_EQ(lowercase(U'\U00010400'), U"\U00010428");
}

}  // namespace
}  // namespace runtime
