#include "runtime/tokenizer/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "runtime/tokenizer/limits.h"

namespace runtime {
namespace {

// The pieces with bars between them.
std::string split(std::string_view name, std::string_view text) {
  const PreTokenizerSpec* spec = find_pre_tokenizer(name);
  if (spec == nullptr) return "no such pre-tokenizer";
  const auto pre_tokenizer = PreTokenizer::create(*spec);
  if (!pre_tokenizer.ok()) return pre_tokenizer.error().message;
  std::vector<std::uint32_t> ends;
  const base::Status status = pre_tokenizer.value()->split(text, ends);
  if (!status.ok()) return status.error().message;
  std::string joined;
  std::size_t begin = 0;
  for (const std::uint32_t end : ends) {
    if (begin > 0) joined += '|';
    joined += text.substr(begin, end - begin);
    begin = end;
  }
  return joined;
}

TEST(PreTokenizerTable, HasEveryNameOnce) {
  std::set<std::string_view> names;
  for (const PreTokenizerSpec& spec : pre_tokenizers())
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
  EXPECT_EQ(find_pre_tokenizer("no-such-model"), nullptr);
  ASSERT_NE(find_pre_tokenizer(""), nullptr);
  EXPECT_EQ(find_pre_tokenizer("")->name, "default");
}

TEST(PreTokenizer, CompilesEveryRowAndLosesNoByte) {
  const std::string text =
      "I'm  here,\n\n it's 1234567 o'clock!\t中文 ａｂ１２ é\u0301 <|x|> \u3000\u180e\u00a0 end  ";
  for (const PreTokenizerSpec& spec : pre_tokenizers()) {
    const auto pre_tokenizer = PreTokenizer::create(spec);
    ASSERT_TRUE(pre_tokenizer.ok()) << pre_tokenizer.error().message;
    std::vector<std::uint32_t> ends;
    ASSERT_TRUE(pre_tokenizer.value()->split(text, ends).ok()) << spec.name;
    ASSERT_FALSE(ends.empty()) << spec.name;
    EXPECT_EQ(ends.back(), text.size()) << spec.name;
    for (std::size_t i = 1; i < ends.size(); ++i) EXPECT_LT(ends[i - 1], ends[i]) << spec.name;
  }
}

TEST(PreTokenizer, SplitsAsGpt2Does) {
  EXPECT_EQ(split("gpt-2", "Hello world, it's 2024!"), "Hello| world|,| it|'s| 2024|!");
  EXPECT_EQ(split("gpt-2", "a   b"), "a|  | b");
  EXPECT_EQ(split("gpt-2", "a \t"), "a| \t");
  EXPECT_EQ(split("gpt-2", ""), "");
}

TEST(PreTokenizer, SplitsAsLlama3Does) {
  EXPECT_EQ(split("llama-bpe", "12345 I'LL\n\n  go"), "123|45| I|'LL|\n\n| | go");
  EXPECT_EQ(split("llama-bpe", "x...\n\ny"), "x|...\n\n|y");
}

TEST(PreTokenizer, SplitsDigitsAsEachModelDoes) {
  EXPECT_EQ(split("qwen2", "a1234"), "a|1|2|3|4");
  EXPECT_EQ(split("deepseek-v3", "a1234"), "a|123|4");
  EXPECT_EQ(split("falcon", "1234"), "123|4");
  EXPECT_EQ(split("superbpe", "1234567"), "1|234|567");
  EXPECT_EQ(split("tiny_aya", "1234 1234a"), "1|234| |123|4|a");
}

TEST(PreTokenizer, TakesCaseIntoAccountWhereTheModelDoes) {
  EXPECT_EQ(split("gpt-4o", "iPhoneCase HTTPServer's"), "i|Phone|Case| HTTPServer's");
  EXPECT_EQ(split("llama-bpe", "iPhoneCase"), "iPhoneCase");
}

TEST(PreTokenizer, KnowsUnicodesWhiteSpace) {
  EXPECT_EQ(split("gpt-2", "a\u00a0\u3000\u0085b"), "a|\u00a0\u3000|\u0085|b");
  // U+180E is none since Unicode 6.3: a mark of its own kind, glued to the space before it.
  EXPECT_EQ(split("gpt-2", "a \u180eb"), "a| \u180e|b");
}

TEST(PreTokenizer, KnowsDigitsAndMarksOfAllScripts) {
  EXPECT_EQ(split("gpt-2", "१२३ ٣٤"), "१२३| ٣٤");
  EXPECT_EQ(split("gpt-2", "किला"), "क|ि|ल|ा");
  EXPECT_EQ(split("qwen35", "किला"), "किला");
}

TEST(PreTokenizer, StaysWithinItsLimitsOnRuns) {
  constexpr std::size_t kBytes = 3'000;
  for (const PreTokenizerSpec& spec : pre_tokenizers()) {
    const auto pre_tokenizer = PreTokenizer::create(spec);
    ASSERT_TRUE(pre_tokenizer.ok());
    for (const std::string_view unit :
         {"a", "A", " ", "\n", "1", "'", "\t", " \n", "a ", "1a", "\u0301", "中"}) {
      std::string text;
      while (text.size() < kBytes) text += unit;
      std::vector<std::uint32_t> ends;
      EXPECT_TRUE(pre_tokenizer.value()->split(text, ends).ok())
          << spec.name << " " << testing::PrintToString(unit);
      EXPECT_TRUE(pre_tokenizer.value()->split(text + "x", ends).ok()) << spec.name;
    }
  }
}

}  // namespace
}  // namespace runtime
