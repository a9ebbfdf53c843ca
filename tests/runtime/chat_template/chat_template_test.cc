#include "runtime/chat_template/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/chat_template/rendering.h"

namespace runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(ChatTemplate, RendersMessages) {
  EXPECT_EQ(render("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}\n",
                   R"({"messages": [{"role": "user", "content": "hi"}]})"),
            "<|user|>hi\n");
}

TEST(ChatTemplate, SaysTheLineOfASyntaxError) {
  EXPECT_EQ(render("a\n{% for x y %}"),
            "invalid_input: chat template: line 2: expected \"in\", found \"y\"");
  EXPECT_EQ(render("{% if x %}\n\n\n"),
            "invalid_input: chat template: line 2: expected {% elif or else or endif %}, found the "
            "end of the template");
  EXPECT_EQ(render("\n{{ x | nosuch }}"),
            "invalid_input: chat template: line 2: no filter named \"nosuch\"");
}

TEST(ChatTemplate, SaysTheLineOfAFailureWhileRunning) {
  EXPECT_EQ(render("a\n\n{{ x.y }}"), "invalid_input: chat template: line 3: x is undefined");
}

TEST(ChatTemplate, NamesWhatItDoesNotSupport) {
  EXPECT_EQ(render("{% include 'x' %}"), "unsupported: chat template: line 1: the tag include");
  EXPECT_EQ(render("{{ x | urlize }}"), "unsupported: chat template: line 1: the filter urlize");
  EXPECT_EQ(render("{{ lipsum() }}"), "unsupported: chat template: line 1: the function lipsum");
  EXPECT_THAT(render("{{ f(*x) }}"), StartsWith("unsupported"));
  EXPECT_THAT(render("{% for x in y recursive %}{% endfor %}"), StartsWith("unsupported"));
}

TEST(ChatTemplate, PassesOnWhatTheTemplateRaises) {
  EXPECT_EQ(render("{{ raise_exception('roles must alternate') }}"),
            "invalid_input: chat template: line 1: the template refuses: roles must alternate");
}

TEST(ChatTemplate, BoundsAndCleansWhatTheTemplateRaises) {
  const std::string text =
      render("{{ raise_exception(x * 1000) }}", R"({"x": "a\n\u0007\u001b[31m"})");
  EXPECT_LT(text.size(), 600U);
  EXPECT_THAT(text, HasSubstr("a ??[31ma ??[31m"));
}

TEST(ChatTemplate, RefusesASourceThatIsTooLongOrNoText) {
  EXPECT_THAT(render(std::string(101, 'x'), "{}", {.source_bytes_max = 100}),
              StartsWith("exhausted"));
  EXPECT_THAT(render("\xff"), StartsWith("invalid_input"));
}

TEST(ChatTemplate, RefusesVariablesThatAreNoObject) {
  EXPECT_THAT(render("x", "[]"), StartsWith("invalid_input"));
}

TEST(ChatTemplate, CanBeRenderedAgain) {
  const auto parsed = ChatTemplate::parse(
      "{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}"
      "{{ ns.n }}");
  ASSERT_TRUE(parsed.ok());
  for (int i = 0; i < 2; ++i) {
    const auto spans = parsed.value()->render(base::Json::object(), 0);
    ASSERT_TRUE(spans.ok());
    EXPECT_EQ(join_spans(spans.value()), "1");
  }
}

TEST(ChatTemplate, HoldsIntegersTo64Bits) {
  EXPECT_EQ(render("{{ -9223372036854775807 - 1 }}"), "-9223372036854775808");
  EXPECT_THAT(render("{{ 9223372036854775807 + 1 }}"), StartsWith("exhausted"));
  EXPECT_THAT(render("{{ (-9223372036854775807 - 1) // -1 }}"), StartsWith("exhausted"));
  EXPECT_EQ(render("{{ (-9223372036854775807 - 1) % -1 }}"), "0");
  EXPECT_THAT(render("{{ 10 ** 19 }}"), StartsWith("exhausted"));
  EXPECT_THAT(render("{{ 9223372036854775808 }}"), StartsWith("exhausted"));
  EXPECT_THAT(render("{{ 1e19 | int }}"), StartsWith("exhausted"));
}

TEST(ChatTemplate, ShowsLargerIntegersOfTheInput) {
  EXPECT_EQ(render("{{ n }} {{ n | tojson }} {{ n == n }}", R"({"n": 18446744073709551615})"),
            "18446744073709551615 18446744073709551615 True");
}

TEST(ChatTemplate, TellsTheTimeInUtc) {
  EXPECT_EQ(render("{{ strftime_now('%d %b %Y %H:%M:%S %A %j') }}", "{}", {}, 1709210096),
            "29 Feb 2024 12:34:56 Thursday 060");
  EXPECT_EQ(render("{{ strftime_now('%-d.%-m.%y %e %I %p') }}", "{}", {}, 0), "1.1.70  1 12 AM");
  EXPECT_THAT(render("{{ strftime_now('%Q') }}"), StartsWith("unsupported"));
  EXPECT_THAT(render("{{ strftime_now('%') }}"), StartsWith("unsupported"));
}

TEST(ChatTemplate, NeverChangesALoopsOuterScope) {
  EXPECT_EQ(render("{% set x = 1 %}{% for i in [1, 2] %}{% set x = i %}{% endfor %}{{ x }}"), "1");
}

TEST(ChatTemplate, KeepsAMacroOfALoopAliveInANamespace) {
  EXPECT_EQ(render("{% set ns = namespace() %}{% for i in [1, 2] %}{% set y = i * 10 %}"
                   "{% macro m() %}{{ i }}{{ y }}{% endmacro %}{% set ns.m = m %}{% endfor %}"
                   "{{ ns.m() }}"),
            "220");
}

TEST(ChatTemplate, KeepsALoopInANamespaceHarmless) {
  EXPECT_EQ(render("{% set ns = namespace() %}{% for i in [1, 2] if i > 0 %}{% set ns.l = loop %}"
                   "{% endfor %}{{ ns.l.index }}{{ ns.l.last }}{{ ns.l.nextitem is defined }}"
                   "{{ ns.l.length > 0 }}{{ ns.l.cycle('a', 'b') }}"),
            "2TrueFalseTrueb");
}

TEST(ChatTemplate, LetsANamespaceContainItself) {
  EXPECT_EQ(render("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns.me.me.me is defined }}"),
            "True");
  EXPECT_THAT(render("{% set ns = namespace() %}{% set ns.me = [ns] %}{{ ns }}"),
              StartsWith("exhausted"));
}

TEST(ChatTemplate, DoesNotLetATemplateChangeAList) {
  EXPECT_THAT(render("{{ l.append(1) }}", R"({"l": []})"), HasSubstr("would change a value"));
  EXPECT_EQ(render("{{ l.append is defined }}", R"({"l": []})"), "False");
}

}  // namespace
}  // namespace runtime
