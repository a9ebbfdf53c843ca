#include "runtime/tokenizer/character_map.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/runtime/tokenizer/vector_file.h"

namespace runtime {
namespace {

TEST(CharacterMap, ReplacesTheLongestBeginning) {
  const auto map =
      CharacterMap::create(read_tokenizer_vectors("unigram-rules").vocabulary.precompiled_charsmap);
  ASSERT_TRUE(map.ok()) << map.error().message;
  const auto ligature = map.value().find("\ufb01ne");
  ASSERT_TRUE(ligature.has_value());
  EXPECT_EQ(ligature->bytes, 3U);
  EXPECT_EQ(ligature->with, "fi");
  const auto combined = map.value().find("u\u0308ber");
  ASSERT_TRUE(combined.has_value());
  EXPECT_EQ(combined->bytes, 3U);
  EXPECT_EQ(combined->with, "\u00fc");
  EXPECT_FALSE(map.value().find("uber").has_value());
  EXPECT_FALSE(map.value().find("").has_value());
}

TEST(CharacterMap, MayBeEmpty) {
  const auto map = CharacterMap::create("");
  ASSERT_TRUE(map.ok());
  EXPECT_FALSE(map.value().find("abc").has_value());
}

TEST(CharacterMap, RefusesWhatIsNoMap) {
  using namespace std::string_literals;
  EXPECT_FALSE(CharacterMap::create("\x04"s).ok());
  EXPECT_FALSE(CharacterMap::create("\xFF\xFF\xFF\xFF\0\0\0\0"s).ok());
  EXPECT_FALSE(CharacterMap::create("\x04\0\0\0\0\0\0\0"s).ok());     // no replacements
  EXPECT_FALSE(CharacterMap::create("\x04\0\0\0\0\0\0\0abc"s).ok());  // an open end
  EXPECT_FALSE(CharacterMap::create("\x03\0\0\0\0\0\0abc\0"s).ok());  // no whole number of nodes
}

TEST(CharacterMap, SurvivesAnyNodes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string blob = {'\x40', 0, 0, 0};
    for (int i = 0; i < 64 + 5; ++i)
      blob.push_back(static_cast<char>(random() % (round % 2 == 0 ? 256 : 4)));
    blob.push_back('\0');
    const auto map = CharacterMap::create(blob);
    ASSERT_TRUE(map.ok());
    for (const char* text : {"abc", "\x01\x02\x03", "\xFF\xFE", "\x01\x01\x01\x01"}) {
      const auto replacement = map.value().find(text);
      EXPECT_LE(replacement ? replacement->with.size() : 0U, 5U);
    }
  }
}

}  // namespace
}  // namespace runtime
