// Renderings that Jinja made (tests/vectors/chat_template/make.py) against ours.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "hardening/base/json.h"
#include "runtime/chat_template/chat_template.h"

namespace runtime {
namespace {

// Another directory, for vectors that were made just now.
std::string directory() {
  const char* given =
      std::getenv("REDOUBT_CHAT_TEMPLATE_VECTORS");  // NOLINT(concurrency-mt-unsafe)
  return given != nullptr ? given : "tests/vectors/chat_template";
}

base::Json read(const std::string& name) {
  std::ifstream file(directory() + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  auto json = base::Json::parse(text.str(), {.bytes_max = 64 << 20});
  EXPECT_TRUE(json.ok()) << directory() << "/" << name;
  return json.ok() ? std::move(json).value() : base::Json::object();
}

const std::string& string_of(const base::Json& json, std::string_view key) {
  return json.find(key)->as_string();
}

// Why the rendering differs from what is expected; empty when it does not.
std::string difference(const base::Json& expected, const std::string& source,
                       const base::Json& variables, std::int64_t now) {
  const base::Json* error = expected.find("error");
  const std::string wanted = error != nullptr ? error->as_string() : "";
  const auto parsed = ChatTemplate::parse(source);
  if (!parsed.ok()) {
    return wanted == "syntax" || wanted == "runtime" ? "" : parsed.error().message;
  }
  if (wanted == "syntax") return "parsed, but is malformed";
  const auto spans = parsed.value()->render(variables, now);
  if (!spans.ok()) {
    const std::string& message = spans.error().message;
    if (wanted == "raised") {
      return message.find(string_of(expected, "message")) != message.npos ? "" : message;
    }
    return wanted == "runtime" ? "" : message;
  }
  const std::string text = join_spans(spans.value());
  if (!wanted.empty()) return "rendered, but fails: " + text;
  return text == string_of(expected, "output") ? "" : "rendered: " + text;
}

// The last line of the suite's output is made from these.
void report(const std::string& what, std::size_t equal, std::size_t all) {
  fmt::print("{}: {} of {} renderings equal\n", what, equal, all);
  EXPECT_GT(all, 0U);
}

TEST(ChatTemplateVectors, SnippetsRenderAsInJinja) {
  const base::Json file = read("snippets.json");
  std::size_t equal = 0;
  for (const base::Json& expected : file.find("cases")->as_array()) {
    const std::string& source = string_of(expected, "template");
    const std::string why =
        difference(expected, source, *file.find("variables"), file.find("now")->as_int());
    EXPECT_EQ(why, "") << source << "\n" << expected.dump();
    if (why.empty()) ++equal;
  }
  report("snippets", equal, file.find("cases")->as_array().size());
}

TEST(ChatTemplateVectors, FamiliesRenderAsInJinja) {
  const base::Json file = read("families.json");
  std::size_t equal = 0;
  for (const base::Json& expected : file.find("cases")->as_array()) {
    const std::string& family = string_of(expected, "family");
    const std::string& conversation = string_of(expected, "conversation");
    const std::string why =
        difference(expected, string_of(*file.find("templates"), family),
                   *file.find("conversations")->find(conversation), file.find("now")->as_int());
    EXPECT_EQ(why, "") << family << ", " << conversation << "\n" << expected.dump();
    if (why.empty()) ++equal;
  }
  report("families", equal, file.find("cases")->as_array().size());
}

}  // namespace
}  // namespace runtime
