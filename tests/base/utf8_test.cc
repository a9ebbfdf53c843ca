#include "hardening/base/utf8.h"

#include <gtest/gtest.h>

namespace base {
namespace {

// By brute force from RFC 3629: a code point's own encoding is its only well-formed one.
std::string encode(char32_t code_point) {
  std::string text;
  append_utf8(text, code_point);
  return text;
}

TEST(Utf8, EveryScalarValueSurvivesTheRoundTrip) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::string text = encode(c);
    const Utf8Char decoded = decode_utf8(text);
    ASSERT_TRUE(decoded.valid && decoded.code_point == c && decoded.bytes == text.size()) << static_cast<unsigned>(c);
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndBeyondTheRange) {
  for (const std::string_view text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82",
        "\xF0\x9F\xA6"}) {
    EXPECT_FALSE(is_utf8(text));
    EXPECT_EQ(find_invalid_utf8(std::string("ok") + std::string(text)), 2U);
  }
}

TEST(Utf8, TellsAnUnfinishedCharacterFromABrokenOne) {
  const std::string whole = "a🦙";
  EXPECT_EQ(incomplete_utf8_suffix(whole), 0U);
  EXPECT_EQ(incomplete_utf8_suffix(std::string_view(whole).substr(0, 2)), 1U);
  EXPECT_EQ(incomplete_utf8_suffix(std::string_view(whole).substr(0, 3)), 2U);
  EXPECT_EQ(incomplete_utf8_suffix(std::string_view(whole).substr(0, 4)), 3U);
  EXPECT_EQ(incomplete_utf8_suffix(""), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("\xFF"), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("\xE0\x80"), 0U);  // no byte can complete it
  EXPECT_EQ(incomplete_utf8_suffix("\x80\x80"), 0U);
}

}  // namespace
}  // namespace base
