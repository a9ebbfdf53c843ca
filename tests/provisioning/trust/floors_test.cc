#include "provisioning/trust/floors.h"

#include <gtest/gtest.h>

#include "tests/provisioning/trust/trust_documents.h"

namespace {

using namespace provisioning;
using namespace trust_test;

TEST(FloorsFile, HasOneTextThatReadsBackTheSame) {
  Floors floors;
  floors.generation = 12;
  floors.root_version = 3;
  floors.time = at("2026-02-01T00:00:00Z");
  floors.lines = {{"assistant", {7, std::string(64, 'a')}}, {"coder", {1, ""}}};
  const std::string text = floors.serialize();
  const auto again = Floors::parse(text);
  ASSERT_EQ(outcome(again), "ok");
  EXPECT_EQ(again.value().serialize(), text);
  EXPECT_EQ(again.value().lines.at("assistant").release_id, std::string(64, 'a'));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {R"("generation":12)", R"("generation":-1)"},
           {R"("sequence":7)", R"("sequence":0)"},
           {R"("name":"coder")", R"("name":"assistant")"},
           {R"("release":"")", R"("release":"aa")"},
           {R"("root":3)", R"("root":3,"more":1)"},
           {"redoubt-floors", "redoubt-roofs"}}) {
    EXPECT_NE(outcome(Floors::parse(replaced(text, from, to))), "ok") << to;
  }
}

}  // namespace
