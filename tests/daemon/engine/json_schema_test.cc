// Against the rules of JSON Schema draft 2020-12 (validation, sections 6.1 to 6.5), with the
// examples its test suite has for them: 1.0 is an integer and equal to 1, lengths count characters,
// keywords say nothing of values of other types.
#include "daemon/engine/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daemon_engine {
namespace {

using base::Json;
using testing::HasSubstr;

base::Result<JsonSchema> parse(std::string_view text) {
  return JsonSchema::parse(Json::parse(text).value());
}

bool fits(std::string_view schema, std::string_view value) {
  const auto parsed = parse(schema);
  EXPECT_TRUE(parsed.ok()) << schema << ": " << parsed.error().message;
  return parsed.value().check(Json::parse(value).value()).ok();
}

std::string refusal(std::string_view schema) {
  const auto parsed = parse(schema);
  return parsed.ok() ? "" : parsed.error().message;
}

TEST(JsonSchema, KnowsTheSevenTypes) {
  EXPECT_TRUE(fits(R"({"type":"null"})", "null"));
  EXPECT_FALSE(fits(R"({"type":"null"})", "0"));
  EXPECT_TRUE(fits(R"({"type":"boolean"})", "false"));
  EXPECT_TRUE(fits(R"({"type":"integer"})", "1"));
  EXPECT_TRUE(fits(R"({"type":"integer"})", "1.0"));
  EXPECT_TRUE(fits(R"({"type":"integer"})", "18446744073709551615"));
  EXPECT_FALSE(fits(R"({"type":"integer"})", "1.1"));
  EXPECT_TRUE(fits(R"({"type":"number"})", "1"));
  EXPECT_FALSE(fits(R"({"type":"number"})", "\"1\""));
  EXPECT_TRUE(fits(R"({"type":["string","array"]})", "[]"));
  EXPECT_FALSE(fits(R"({"type":["string","array"]})", "{}"));
}

TEST(JsonSchema, ComparesConstantsByValue) {
  EXPECT_TRUE(fits(R"({"const":1})", "1.0"));
  EXPECT_FALSE(fits(R"({"const":false})", "0"));
  EXPECT_TRUE(fits(R"({"const":{"a":1,"b":[2]}})", R"({"b":[2.0],"a":1})"));
  EXPECT_FALSE(fits(R"({"const":{"a":1}})", R"({"a":1,"b":2})"));
  EXPECT_TRUE(fits(R"({"enum":[6,"foo",[],true,{"foo":12}]})", R"({"foo":12})"));
  EXPECT_FALSE(fits(R"({"enum":[6,"foo",[],true,{"foo":12}]})", R"({"foo":false})"));
  EXPECT_FALSE(fits(R"({"enum":[]})", "null"));
}

TEST(JsonSchema, ChecksMembersOfObjects) {
  constexpr std::string_view kSchema =
      R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0}},)"
      R"("required":["name"],"additionalProperties":false})";
  EXPECT_TRUE(fits(kSchema, R"({"name":"x","age":0})"));
  EXPECT_TRUE(fits(kSchema, R"({"name":"x"})"));
  EXPECT_FALSE(fits(kSchema, R"({"age":3})"));
  EXPECT_FALSE(fits(kSchema, R"({"name":"x","age":-1})"));
  EXPECT_FALSE(fits(kSchema, R"({"name":"x","more":1})"));
  EXPECT_FALSE(fits(R"({"additionalProperties":{"type":"boolean"}})", R"({"a":1})"));
  EXPECT_TRUE(fits(R"({"required":["a"]})", "[]")) << "says nothing of arrays";
}

TEST(JsonSchema, ChecksItemsNumbersAndLengths) {
  EXPECT_TRUE(fits(R"({"items":{"type":"integer"},"minItems":1,"maxItems":2})", "[1,2]"));
  EXPECT_FALSE(fits(R"({"items":{"type":"integer"}})", R"([1,"2"])"));
  EXPECT_FALSE(fits(R"({"minItems":1})", "[]"));
  EXPECT_FALSE(fits(R"({"maxItems":1})", "[1,2]"));
  EXPECT_TRUE(fits(R"({"minimum":1.1})", "1.1"));
  EXPECT_FALSE(fits(R"({"minimum":1.1})", "0.6"));
  EXPECT_FALSE(fits(R"({"maximum":3})", "3.5"));
  EXPECT_TRUE(fits(R"({"maxLength":2})", "\"\U0001F4A9\U0001F4A9\"")) << "characters, not bytes";
  EXPECT_FALSE(fits(R"({"minLength":2})", "\"\U0001F4A9\""));
  EXPECT_TRUE(fits(R"({"minLength":2})", "1"));
}

TEST(JsonSchema, MatchesPatternsAnywhere) {
  EXPECT_TRUE(fits(R"({"pattern":"^a*$"})", "\"aaa\""));
  EXPECT_FALSE(fits(R"({"pattern":"^a*$"})", "\"abc\""));
  EXPECT_TRUE(fits(R"({"pattern":"a+"})", "\"xxaayy\""));
  EXPECT_TRUE(fits(R"({"pattern":"^a*$"})", "true"));
}

TEST(JsonSchema, TakesOneOfSeveralSchemas) {
  constexpr std::string_view kSchema = R"({"anyOf":[{"type":"integer"},{"minimum":2}]})";
  EXPECT_TRUE(fits(kSchema, "1"));
  EXPECT_TRUE(fits(kSchema, "2.5"));
  EXPECT_FALSE(fits(kSchema, "1.5"));
  EXPECT_TRUE(fits(R"({"anyOf":[true,false]})", "1"));
  EXPECT_FALSE(fits("false", "1"));
}

TEST(JsonSchema, RefusesWhatItDoesNotKnowByName) {
  EXPECT_THAT(refusal(R"({"properties":{"a":{"items":{"oneOf":[]}}}})"),
              HasSubstr("properties.a.items.oneOf is not a keyword"));
  EXPECT_THAT(refusal(R"({"$ref":"#"})"), HasSubstr("$ref"));
  EXPECT_THAT(refusal(R"({"type":"float"})"), HasSubstr("type does not name a type"));
  EXPECT_THAT(refusal(R"({"minLength":-1})"), HasSubstr("minLength is not a count"));
  EXPECT_THAT(refusal(R"({"pattern":"("})"),
              HasSubstr("pattern: the pattern is refused at byte 1"));
  EXPECT_THAT(refusal(R"({"anyOf":[]})"), HasSubstr("anyOf"));
  EXPECT_THAT(refusal("3"), HasSubstr("not a schema"));
}

TEST(JsonSchema, RefusesSchemasBeyondItsLimits) {
  std::string many = "true";
  for (int i = 0; i < 999; ++i) many += ",true";
  EXPECT_THAT(refusal("{\"anyOf\":[" + many + "]}"), HasSubstr("more than 1000"));
  Json deep = true;
  for (int i = 0; i < 40; ++i) deep = Json::object({{"items", deep}});
  const auto parsed = JsonSchema::parse(deep);
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, HasSubstr("deeper than 32"));
}

TEST(JsonSchema, SaysWhereAValueIsWrong) {
  const auto schema = parse(R"({"properties":{"rows":{"items":{"required":["id"]}}}})").value();
  const auto checked = schema.check(Json::parse(R"({"rows":[{"id":1},{}]})").value());
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().message, "rows[1] lacks the member id");
}

}  // namespace
}  // namespace daemon_engine
