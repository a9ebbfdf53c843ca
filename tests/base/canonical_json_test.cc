#include "hardening/base/canonical_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>

namespace base {
namespace {

using ::testing::HasSubstr;

std::string canonical(std::string_view text) {
  const auto value = Json::parse(text);
  EXPECT_TRUE(value.ok()) << text;
  const auto result = canonical_json(value.value());
  EXPECT_TRUE(result.ok()) << text;
  return result.ok() ? result.value() : "";
}

std::string number(std::uint64_t bits) {
  const auto result = canonical_json(Json(std::bit_cast<double>(bits)));
  return result.ok() ? result.value() : "error";
}

// RFC 8785 section 3.2.2 and 3.2.4.
TEST(CanonicalJson, WritesTheExampleOfTheRfc) {
  EXPECT_EQ(canonical(R"({
      "numbers": [333333333.33333329, 1E30, 4.50,
                  2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    })"),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

// Section 3.2.3: the emoji, whose UTF-16 form begins with 0xD83D, comes before U+FB33.
TEST(CanonicalJson, SortsNamesByUtf16Units) {
  const std::string sorted = canonical(R"({
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    })");
  std::string order;
  const Json parsed = Json::parse(sorted).value();
  for (const auto& [name, value] : parsed.as_object()) order += value.as_string() + "\n";
  EXPECT_EQ(order,
            "Carriage Return\nOne\nControl\nLatin Small Letter O With Diaeresis\nEuro Sign\n"
            "Emoji: Grinning Face\nHebrew Letter Dalet With Dagesh\n");
}

TEST(CanonicalJson, SortsAPrefixFirstAndCharactersOfOneLeadByTheirTrail) {
  EXPECT_EQ(canonical(R"({"ab":1,"a":2,"":3})"), R"({"":3,"a":2,"ab":1})");
  EXPECT_EQ(canonical("{\"\xF0\x9F\x98\x81\":1,\"\xF0\x9F\x98\x80\":2}"),
            "{\"\xF0\x9F\x98\x80\":2,\"\xF0\x9F\x98\x81\":1}");
}

// Appendix B.
TEST(CanonicalJson, WritesTheNumbersOfTheRfc) {
  EXPECT_EQ(number(0x0000000000000000), "0");
  EXPECT_EQ(number(0x8000000000000000), "0");
  EXPECT_EQ(number(0x0000000000000001), "5e-324");
  EXPECT_EQ(number(0x8000000000000001), "-5e-324");
  EXPECT_EQ(number(0x7fefffffffffffff), "1.7976931348623157e+308");
  EXPECT_EQ(number(0xffefffffffffffff), "-1.7976931348623157e+308");
  EXPECT_EQ(number(0x4340000000000000), "9007199254740992");
  EXPECT_EQ(number(0xc340000000000000), "-9007199254740992");
  EXPECT_EQ(number(0x4430000000000000), "295147905179352830000");
  EXPECT_EQ(number(0x44b52d02c7e14af5), "9.999999999999997e+22");
  EXPECT_EQ(number(0x44b52d02c7e14af6), "1e+23");
  EXPECT_EQ(number(0x44b52d02c7e14af7), "1.0000000000000001e+23");
  EXPECT_EQ(number(0x444b1ae4d6e2ef4e), "999999999999999700000");
  EXPECT_EQ(number(0x444b1ae4d6e2ef4f), "999999999999999900000");
  EXPECT_EQ(number(0x444b1ae4d6e2ef50), "1e+21");
  EXPECT_EQ(number(0x3eb0c6f7a0b5ed8c), "9.999999999999997e-7");
  EXPECT_EQ(number(0x3eb0c6f7a0b5ed8d), "0.000001");
  EXPECT_EQ(number(0x41b3de4355555553), "333333333.3333332");
  EXPECT_EQ(number(0x41b3de4355555554), "333333333.33333325");
  EXPECT_EQ(number(0x41b3de4355555555), "333333333.3333333");
  EXPECT_EQ(number(0x41b3de4355555556), "333333333.3333334");
  EXPECT_EQ(number(0x41b3de4355555557), "333333333.33333343");
  EXPECT_EQ(number(0xbecbf647612f3696), "-0.0000033333333333333333");
  EXPECT_EQ(number(0x43143ff3c1cb0959), "1424953923781206.2");
  EXPECT_EQ(number(0x7fffffffffffffff), "error");
  EXPECT_EQ(number(0x7ff0000000000000), "error");
}

TEST(CanonicalJson, RefusesWhatHasNoCanonicalForm) {
  constexpr std::int64_t kMax = (std::int64_t{1} << 53) - 1;
  EXPECT_EQ(canonical_json(Json(kMax)).value(), "9007199254740991");
  EXPECT_EQ(canonical_json(Json(-kMax)).value(), "-9007199254740991");
  EXPECT_FALSE(canonical_json(Json(kMax + 1)).ok());
  EXPECT_FALSE(canonical_json(Json(-kMax - 1)).ok());
  EXPECT_FALSE(canonical_json(Json(std::numeric_limits<std::int64_t>::min())).ok());
  EXPECT_FALSE(canonical_json(Json(std::numeric_limits<std::uint64_t>::max())).ok());
  EXPECT_FALSE(canonical_json(Json("\xC3(")).ok());
  EXPECT_FALSE(canonical_json(Json("\xED\xA0\x80")).ok());  // a surrogate
  EXPECT_FALSE(canonical_json(Json::object({{"a", 1}, {"a", 2}})).ok());
  EXPECT_FALSE(canonical_json(Json::object({{"\xFF", 1}})).ok());
}

TEST(CanonicalJson, LeavesDeleteAndSlashAsTheyAre) {
  EXPECT_EQ(canonical_json(Json("\x7F/\b\f\x1F")).value(), "\"\x7F/\\b\\f\\u001f\"");
}

TEST(CanonicalJson, ParsesNothingButCanonicalText) {
  for (const char* text : {"{}", "[]", "0", "-1", "1.5", "\"\"", "null", R"({"a":[1,{"b":null}]})",
                           R"({"a":"\u000b\n"})", "1e+21", "1e-7"}) {
    const auto value = parse_canonical_json(text);
    ASSERT_TRUE(value.ok()) << text;
    EXPECT_EQ(canonical_json(value.value()).value(), text);
  }
  for (const char* text : {"{ }", " 0", "0\n", "-0", "1.0", "1.50", "1E3", "1e21", "\"\\u0041\"",
                           "\"\\/\"", "\"\\u000A\"", R"({"b":1,"a":2})", R"({"a":1,"a":1})",
                           "9007199254740992", "", "nul", R"("\ud800")"}) {
    EXPECT_FALSE(parse_canonical_json(text).ok()) << text;
  }
}

TEST(CanonicalJson, SaysWhereATextDepartsFromItsCanonicalForm) {
  const auto refused = parse_canonical_json(R"({"a":1, "b":2})");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(refused.error().message, HasSubstr("first at byte 7"));
}

TEST(CanonicalJson, KeepsTheLimitsOfTheParser) {
  EXPECT_EQ(parse_canonical_json("[[[]]]", {.depth_max = 2}).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(parse_canonical_json("[1,2,3]", {.bytes_max = 6}).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace base
