#include "bench/model/measure.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

TEST(Measure, IsReadFromItsWordsAndSaysThemAgain) {
  for (const std::string_view words :
       {"prefill 512", "decode 32 batch 8", "decode 16 context 2048"}) {
    const auto measure = parse_measure(words);
    ASSERT_TRUE(measure.ok()) << words;
    EXPECT_EQ(measure.value().command(), words);
  }
  EXPECT_EQ(parse_measure("decode 32").value().command(), "decode 32 batch 1");
}

TEST(Measure, IsNamedWithoutItsSteps) {
  EXPECT_EQ(parse_measure("decode 32 batch 8").value().name(), "decode batch 8");
  EXPECT_EQ(parse_measure("decode 8 context 2048").value().name(), "decode context 2048");
}

TEST(Measure, CountsTokensOfAllSequencesAndTheCacheTheyNeed) {
  const Measure measure = parse_measure("decode 32 batch 8").value();
  EXPECT_EQ(measure.work(), 256);
  EXPECT_EQ(measure.cache_tokens(), 8 * (8 + 32 + 1U));
  EXPECT_EQ(parse_measure("decode 8 context 2048").value().cache_tokens(), 2048 + 8 + 1U);
}

TEST(Measure, AnythingElseIsRefused) {
  for (const std::string_view words :
       {"", "prefill", "prefill 0", "prefill x", "prefill 1 batch 2", "decode 1 batch 65",
        "decode 1 depth 2", "decode 99999999"}) {
    EXPECT_FALSE(parse_measure(words).ok()) << words;
  }
}

TEST(Measure, ListsAreSeparatedBySemicolons) {
  EXPECT_EQ(parse_measures("prefill 512; decode 8;decode 8 batch 4").value().size(), 3U);
  EXPECT_FALSE(parse_measures(" ; ").ok());
}

}  // namespace
}  // namespace bench
