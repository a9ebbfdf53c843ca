#include "hardening/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace base {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  const auto json = Json::parse(text, limits);
  return json.ok() ? "accepted" : json.error().message;
}

TEST(Json, KeepsValuesTypesAndTheOrderOfKeys) {
  constexpr std::string_view kText =
      R"({"z":1,"a":[true,false,null,-5,2.5,"é\"\\\n"],"big":18446744073709551615,"o":{}})";
  const Json json = Json::parse(kText).value();
  EXPECT_TRUE(json.find("z")->is_int());
  EXPECT_TRUE(json.find("big")->is_uint());
  EXPECT_TRUE(json.find("a")->as_array()[4].is_double());
  EXPECT_EQ(json.find("missing"), nullptr);
  EXPECT_EQ(json.dump(), kText);
}

TEST(Json, DoublesReadBackAsTheSameDouble) {
  for (const double value : {0.1, 1e-300, 3.0, -0.0, 1.7976931348623157e308, 5e-324}) {
    const Json again = Json::parse(Json(value).dump()).value();
    ASSERT_TRUE(again.is_double()) << value;
    EXPECT_EQ(again.as_double(), value);
    EXPECT_EQ(std::signbit(again.as_double()), std::signbit(value));
  }
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
}

TEST(Json, RefusesDuplicateKeysAtEveryDepth) {
  EXPECT_THAT(refusal(R"({"a":1,"a":1})"), HasSubstr("duplicate key \"a\""));
  EXPECT_THAT(refusal(R"([{"b":{"c":1,"c":2}}])"), HasSubstr("duplicate key \"c\""));
  EXPECT_EQ(refusal(R"([{"a":1},{"a":1}])"), "accepted");
  EXPECT_THAT(refusal("{\"a\":1,\"\\u0061\":1}"), HasSubstr("duplicate"));
}

TEST(Json, RefusesWhatRfc8259DoesNotAllow) {
  for (const std::string_view text :
       {"", " ", "{", "[1,]", "{\"a\":1,}", "{'a':1}", "01", "+1", ".5", "1.", "NaN", "Infinity", "-", "\"\t\"",
        "\"\\x\"", "\"\\ud800\"", "true false", "[1] x", "//c\n1", "nul", "{\"a\"}", "{1:2}", "\xEF\xBB\xBF", "\xEF\xBB\xBF{}"}) {
    EXPECT_NE(refusal(text), "accepted") << text;
  }
}

TEST(Json, RefusesInvalidUtf8AndSaysWhere) {
  EXPECT_EQ(refusal("\"ab\xFF\""), "invalid UTF-8 at byte 3");
  EXPECT_EQ(refusal("\"\xC0\x80\""), "invalid UTF-8 at byte 1");
}

TEST(Json, RefusesNumbersOutOfRange) {
  EXPECT_THAT(refusal("1e400"), testing::Not("accepted"));
  EXPECT_EQ(refusal("-9223372036854775808"), "accepted");
  EXPECT_TRUE(Json::parse("18446744073709551616").value().is_double());
}

TEST(Json, StopsAtEachLimit) {
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_THAT(refusal(deep, {.depth_max = 39}), HasSubstr("nested deeper than 39"));
  EXPECT_EQ(refusal(deep, {.depth_max = 40}), "accepted");
  EXPECT_THAT(refusal("[1,2,3]", {.values_max = 3}), HasSubstr("more than 3"));
  EXPECT_EQ(refusal("[1,2,3]", {.values_max = 4}), "accepted");
  EXPECT_THAT(refusal("[1,2,3]", {.bytes_max = 6}), HasSubstr("limit 6"));
}

TEST(Json, SurvivesAMillionOpenBrackets) {
  EXPECT_THAT(refusal(std::string(1'000'000, '[')), HasSubstr("nested deeper"));
}

TEST(Json, WritesBytesThatAreNotUtf8AsReplacementCharacters) {
  EXPECT_EQ(Json("a\xFF"
                 "b")
                .dump(),
            "\"a\xEF\xBF\xBD"
            "b\"");
  EXPECT_EQ(Json(std::string("\0\x1f\x7f", 3)).dump(), "\"\\u0000\\u001f\\u007f\"");
}

TEST(Json, DumpsForPeople) {
  EXPECT_EQ(Json::object({{"a", 1}, {"b", Json::array()}}).dump_pretty(), "{\n  \"a\": 1,\n  \"b\": []\n}");
}

}  // namespace
}  // namespace base
