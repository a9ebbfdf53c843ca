// Whatever a template does, a rendering ends soon, with an error that names the limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/chat_template/rendering.h"

namespace runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string repeated(std::string_view unit, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += unit;
  return text;
}

constexpr ChatTemplateLimits kFew = {.steps_max = 200'000, .values_max = 50'000};

TEST(TemplateLimits, BoundTheNestingOfExpressions) {
  struct Nest {
    std::string_view open;
    std::string_view close;
  };
  for (const auto& [open, close] :
       {Nest{"(", ")"}, Nest{"[", "]"}, Nest{"{1:", "}"}, Nest{"not ", ""}, Nest{"-", ""},
        Nest{"x(", ")"}, Nest{"x[", "]"}, Nest{"x|d(", ")"}, Nest{"x is eq [", "]"},
        Nest{"1 if 0 else (", ")"}}) {
    const auto nested = [&, o = open, c = close](int levels) {
      return render("{{ " + repeated(o, levels) + "1" + repeated(c, levels) + " }}");
    };
    EXPECT_THAT(nested(10000), HasSubstr("nested deeper than 64")) << open;
    EXPECT_THAT(nested(30), testing::Not(StartsWith("exhausted"))) << open;
  }
}

TEST(TemplateLimits, BoundTheNestingOfBlocks) {
  for (const std::string_view open :
       {"{% if 1 %}", "{% for x in y %}", "{% macro m() %}", "{% set x %}", "{% with %}"}) {
    EXPECT_THAT(render(repeated(open, 10000)), StartsWith("exhausted")) << open;
  }
}

TEST(TemplateLimits, DoNotMindLongChains) {
  EXPECT_EQ(render("{{ 1" + repeated(" + 1", 20000) + " }}"), "20001");
  EXPECT_EQ(render("{{ x" + repeated(".a", 2) + repeated("|string", 20000) + " }}",
                   R"({"x": {"a": {"a": "y"}}})"),
            "y");
  EXPECT_EQ(render("{{ " + repeated("0 if 0 else ", 5000) + "1 }}"), "1");
  EXPECT_EQ(render("{% if 0 %}" + repeated("{% elif 0 %}", 5000) + "{% else %}1{% endif %}"), "1");
}

TEST(TemplateLimits, BoundTheRecursionOfMacros) {
  EXPECT_THAT(render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("levels deep"));
  EXPECT_EQ(render("{% macro m(n) %}{% if n %}{{ m(n - 1) }}x{% endif %}{% endmacro %}{{ m(20) }}"),
            std::string(20, 'x'));
}

TEST(TemplateLimits, BoundTheSteps) {
  EXPECT_THAT(render("{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}"
                     "{% endfor %}",
                     "{}", kFew),
              HasSubstr("more than 200000 steps"));
  EXPECT_THAT(render("{% set s = 'ab' * 50000 %}{% for i in range(9999) %}{% if 'b' * 50 in s %}"
                     "{% endif %}{% endfor %}",
                     "{}", kFew),
              HasSubstr("steps"));
}

TEST(TemplateLimits, BoundRanges) {
  EXPECT_THAT(render("{{ range(10 ** 9) | list }}"), HasSubstr("range"));
  EXPECT_THAT(render("{{ range(-9223372036854775807, 9223372036854775807) | list }}"),
              HasSubstr("range"));
  EXPECT_EQ(render("{{ range(-9223372036854775807, 9223372036854775807, 9223372036854775807) "
                   "| list }}"),
            "[-9223372036854775807, 0]");
  EXPECT_EQ(render("{{ range(0, 9223372036854775807, 4611686018427387904)[5:] | list }}"), "[]");
}

TEST(TemplateLimits, BoundStrings) {
  EXPECT_THAT(render("{{ 'x' * 10 ** 12 }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{{ 'xy' * 9223372036854775807 }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{% set s = 'x' * 10 ** 6 %}{{ s.replace('x', s) }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{% set s = 'x' * 10 ** 4 %}{{ s.join(s) }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{{ 'x'.center(10 ** 12) }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{{ 'x' | indent(10 ** 12, true) }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{{ '%999999999s' % 'x' }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{{ '{:>999999999}'.format('x') }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{{ [[1]] | tojson(indent=10 ** 12) }}"), HasSubstr("bytes"));
  EXPECT_THAT(render("{{ '%.99999f' % 1.5 }}"), StartsWith("exhausted"));
}

TEST(TemplateLimits, BoundTheOutput) {
  EXPECT_THAT(
      render("{% for i in range(9) %}{{ 'x' * 30 }}{% endfor %}", "{}", {.output_bytes_max = 100}),
      HasSubstr("an output of more than 100 bytes"));
}

TEST(TemplateLimits, BoundLists) {
  EXPECT_THAT(render("{{ [0] * 10 ** 12 }}", "{}", kFew), HasSubstr("list items"));
  EXPECT_THAT(render("{% set ns = namespace(l=[0]) %}{% for i in range(60) %}"
                     "{% set ns.l = ns.l + ns.l %}{% endfor %}",
                     "{}", kFew),
              HasSubstr("list items"));
  EXPECT_THAT(render("{{ ('x' * 200000) | list }}", "{}", kFew), HasSubstr("list items"));
}

TEST(TemplateLimits, GiveBackWhatIsNoLongerUsed) {
  EXPECT_EQ(render("{% for i in range(50) %}{% set x = [0] * 900 %}{% endfor %}ok", "{}",
                   {.values_max = 1000}),
            "ok");
}

TEST(TemplateLimits, BoundTheNestingOfValues) {
  EXPECT_THAT(render("{% set ns = namespace(l=[]) %}{% for i in range(99999) %}"
                     "{% set ns.l = [ns.l] %}{% endfor %}"),
              HasSubstr("nested deeper"));
  EXPECT_THAT(render("{% set ns = namespace(l=[]) %}{% for i in range(99999) %}"
                     "{% set ns.l = [ns.l.copy] %}{% endfor %}"),
              HasSubstr("nested deeper"));
  EXPECT_THAT(render("{% set ns = namespace(l={}) %}{% for i in range(99999) %}"
                     "{% set ns.l = {1: ns.l.items()} %}{% endfor %}"),
              HasSubstr("nested deeper"));
}

TEST(TemplateLimits, BoundTheNestingOfVariables) {
  auto json = base::Json::array();
  for (int i = 0; i < 200; ++i) {
    auto outer = base::Json::array();
    outer.push_back(std::move(json));
    json = std::move(outer);
  }
  const auto parsed = ChatTemplate::parse("x");
  const auto spans = parsed.value()->render(base::Json::object({{"x", json}}), 0);
  ASSERT_FALSE(spans.ok());
  EXPECT_EQ(spans.error().code, base::ErrorCode::kExhausted);
}

TEST(TemplateLimits, ChargeSearchingForText) {
  // Needle and text that make a naive search quadratic.
  EXPECT_THAT(render("{% set s = 'a' * 400000 %}{% set n = 'a' * 200000 ~ 'b' %}"
                     "{% for i in range(1000) %}{{ s.find(n) }}{% endfor %}",
                     "{}", kFew),
              HasSubstr("steps"));
  EXPECT_THAT(render("{% set s = 'a' * 400000 %}{{ s.rfind('a' * 200000 ~ 'b') }}", "{}", kFew),
              HasSubstr("steps"));
}

TEST(TemplateLimits, ChargeLookingThroughLargeDictionaries) {
  EXPECT_THAT(render("{% set ns = namespace(d={}) %}{% set d = dict(range(9000) | batch(2)) %}"
                     "{% for i in range(9000) %}{% if d[i] %}{% endif %}{% endfor %}",
                     "{}", kFew),
              HasSubstr("steps"));
}

}  // namespace
}  // namespace runtime
