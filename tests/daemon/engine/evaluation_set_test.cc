#include "daemon/engine/evaluation_set.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daemon_engine {
namespace {

using testing::HasSubstr;

std::string set_text(std::string_view kind, std::string_view item,
                     std::string_view minimum = "0.8") {
  return fmt::format(
      R"({{"type":"redoubt-evaluation","format":1,"name":"facts","kind":"{}","minimum":{},"tokens_max":64,"items":[{}]}})",
      kind, minimum, item);
}

std::string error_of(const std::string& text) {
  const auto set = EvaluationSet::parse(text);
  return set.ok() ? "" : set.error().message;
}

TEST(EvaluationSet, ReadsEveryKind) {
  const auto exact = EvaluationSet::parse(set_text("exact", R"({"prompt":"1+1=","answer":"2"})"));
  ASSERT_TRUE(exact.ok()) << exact.error().message;
  EXPECT_EQ(exact.value().name, "facts");
  EXPECT_EQ(exact.value().kind, EvaluationKind::kExact);
  EXPECT_EQ(exact.value().minimum, 0.8);
  EXPECT_EQ(exact.value().tokens_max, 64U);
  EXPECT_EQ(exact.value().items[0].answer, "2");
  EXPECT_EQ(
      error_of(set_text("regex", R"({"prompt":[{"role":"user","content":"hi"}],"pattern":"^h"})")),
      "");
  const auto choice =
      EvaluationSet::parse(set_text("choice", R"({"prompt":"a","choices":["b","c"],"answer":1})"));
  ASSERT_TRUE(choice.ok()) << choice.error().message;
  EXPECT_EQ(choice.value().items[0].right, 1U);
  EXPECT_EQ(error_of(set_text("json", R"({"prompt":"a","schema":{"type":"object"}})")), "");
  EXPECT_EQ(error_of(set_text("likelihood", R"({"prompt":"a","answer":"b"})", "-1.5")), "");
}

TEST(EvaluationSet, NamesWhatIsWrong) {
  EXPECT_THAT(error_of(set_text("guess", R"({"prompt":"a","answer":"b"})")),
              HasSubstr("kind is none of"));
  EXPECT_THAT(error_of(set_text("exact", R"({"prompt":"a","pattern":"b"})")),
              HasSubstr("items[0].answer is missing"));
  EXPECT_THAT(error_of(set_text("exact", R"({"prompt":"a","answer":"b","weight":1})")),
              HasSubstr("items[0].\"weight\""));
  EXPECT_THAT(error_of(set_text("exact", R"({"prompt":"","answer":"b"})")),
              HasSubstr("items[0].prompt has 0 bytes"));
  EXPECT_THAT(error_of(set_text("exact", R"({"prompt":[],"answer":"b"})")),
              HasSubstr("items[0].prompt has 0 items"));
  EXPECT_THAT(error_of(set_text("exact", R"({"prompt":["a"],"answer":"b"})")),
              HasSubstr("not an object"));
  EXPECT_THAT(error_of(set_text("regex", R"({"prompt":"a","pattern":"("})")),
              HasSubstr("items[0].pattern: the pattern is refused"));
  EXPECT_THAT(error_of(set_text("choice", R"({"prompt":"a","choices":["b"],"answer":0})")),
              HasSubstr("choices has 1 items"));
  EXPECT_THAT(error_of(set_text("choice", R"({"prompt":"a","choices":["b","c"],"answer":2})")),
              HasSubstr("answer is not an integer from 0 to 1"));
  EXPECT_THAT(error_of(set_text("json", R"({"prompt":"a","schema":{"format":"date"}})")),
              HasSubstr("items[0].schema: format is not a keyword"));
  EXPECT_THAT(error_of(set_text("exact", R"({"prompt":"a","answer":"b"})", "1.5")),
              HasSubstr("minimum is not a number from 0 to 1"));
  EXPECT_THAT(error_of(set_text("likelihood", R"({"prompt":"a","answer":"b"})", "0.5")),
              HasSubstr("minimum"));
  EXPECT_THAT(error_of(set_text("exact", "")), HasSubstr("items has 0 items"));
}

}  // namespace
}  // namespace daemon_engine
