#include "runtime/tokenizer/byte_trie.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace runtime {
namespace {

TEST(ByteTrie, FindsItsKeysAndNothingElse) {
  const ByteTrie trie({{"a", 1}, {"abc", 2}, {"b", 3}, {"\xFF\x00z", 4}});
  EXPECT_EQ(trie.find("a"), 1);
  EXPECT_EQ(trie.find("abc"), 2);
  EXPECT_EQ(trie.find("b"), 3);
  EXPECT_EQ(trie.find("ab"), ByteTrie::kNoValue);
  EXPECT_EQ(trie.find("abcd"), ByteTrie::kNoValue);
  EXPECT_EQ(trie.find(""), ByteTrie::kNoValue);
  EXPECT_EQ(trie.find("c"), ByteTrie::kNoValue);
}

TEST(ByteTrie, FindsTheLongestPrefix) {
  const ByteTrie trie({{"ab", 1}, {"abcd", 2}});
  EXPECT_EQ(trie.longest_prefix("abcde").bytes, 4U);
  EXPECT_EQ(trie.longest_prefix("abcx").bytes, 2U);
  EXPECT_EQ(trie.longest_prefix("abcx").value, 1);
  EXPECT_EQ(trie.longest_prefix("a").value, ByteTrie::kNoValue);
}

TEST(ByteTrie, VisitsPrefixesFromTheShortest) {
  const ByteTrie trie({{"abc", 3}, {"a", 1}, {"ab", 2}, {"b", 9}});
  std::vector<std::pair<std::size_t, std::int32_t>> seen;
  trie.each_prefix(
      "abcd", [&seen](std::size_t bytes, std::int32_t value) { seen.emplace_back(bytes, value); });
  EXPECT_EQ(seen, (std::vector<std::pair<std::size_t, std::int32_t>>{{1, 1}, {2, 2}, {3, 3}}));
}

TEST(ByteTrie, KeepsTheLowestValueOfEqualKeys) {
  const ByteTrie trie({{"x", 7}, {"x", 2}, {"x", 5}});
  EXPECT_EQ(trie.find("x"), 2);
}

TEST(ByteTrie, HoldsEveryByte) {
  std::vector<std::string> keys;
  for (int byte = 0; byte < 256; ++byte) keys.push_back(std::string("p") + static_cast<char>(byte));
  std::vector<ByteTrie::Entry> entries;
  for (std::size_t i = 0; i < keys.size(); ++i)
    entries.push_back({keys[i], static_cast<std::int32_t>(i)});
  const ByteTrie trie(entries);
  for (std::size_t i = 0; i < keys.size(); ++i)
    EXPECT_EQ(trie.find(keys[i]), static_cast<std::int32_t>(i));
}

TEST(ByteTrie, MayBeEmpty) {
  const ByteTrie trie({});
  EXPECT_EQ(trie.longest_prefix("abc").value, ByteTrie::kNoValue);
}

}  // namespace
}  // namespace runtime
