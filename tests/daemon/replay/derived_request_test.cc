#include "daemon/replay/derived_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/replay/recorded_bodies.h"
#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_replay {
namespace {

using testing::HasSubstr;

class DerivedRequestTest : public testing::Test {
 protected:
  DerivedRequestTest() {
    test_.n = 2;
    test_.temperature = 0.7;  // no float is 0.7
    recorded_ = of(test_);
  }

  static RecordedRequest of(const TestRequest& test) {
    RecordedRequest recorded;
    recorded.model_name = "m";
    recorded.parameters = test_parameters(test);
    recorded.seed = 7;
    recorded.created = 1;
    for (const std::uint32_t tokens : test.prompt_tokens) {
      recorded.prompts.push_back({tokens, test.tokens_max});
    }
    return recorded;
  }

  base::Result<std::vector<runtime::GenerationRequest>> derive(std::string_view body) {
    return derive_requests(recorded_, body, {tokenizer_, nullptr, 128});
  }
  std::string refusal(std::string_view body) {
    const auto got = derive(body);
    EXPECT_FALSE(got.ok());
    return got.ok() ? "" : got.error().message;
  }

  runtime::SmallTokenizer tokenizer_;
  TestRequest test_;
  RecordedRequest recorded_;
};

constexpr std::string_view kBody =
    R"({"model":"m","prompt":"ab","n":2,"max_tokens":8,"temperature":0.7})";

TEST_F(DerivedRequestTest, IsWhatTheEngineWasAsked) {
  const auto got = derive(kBody);
  ASSERT_TRUE(got.ok()) << got.error().message;
  ASSERT_EQ(got.value().size(), 1U);
  const runtime::GenerationRequest& request = got.value()[0];
  EXPECT_EQ(request.prompt, (std::vector<runtime::TokenId>{0, 6, 7}));
  EXPECT_EQ(request.choices, 2U);
  EXPECT_EQ(request.tokens_max, 8U);
  EXPECT_EQ(request.sampling.seed, 7U) << "as the gateway drew it";
  EXPECT_EQ(request.sampling.temperature, 0.7F);
}

TEST_F(DerivedRequestTest, MakesOneRequestPerPrompt) {
  recorded_.prompts = {{3, 8}, {2, 8}};
  const auto got =
      derive(R"({"model":"m","prompt":["ab","c"],"n":2,"max_tokens":8,"temperature":0.7})");
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().size(), 2U);
  EXPECT_THAT(refusal(kBody), HasSubstr("the number of prompts was 2, and is 1"));
}

TEST_F(DerivedRequestTest, RefusesAnotherSeed) {
  EXPECT_THAT(
      refusal(R"({"model":"m","prompt":"ab","n":2,"max_tokens":8,"temperature":0.7,"seed":8})"),
      HasSubstr("seed was 7, and is 8"));
}

TEST_F(DerivedRequestTest, RefusesAnotherPrompt) {
  EXPECT_THAT(refusal(R"({"model":"m","prompt":"abc","n":2,"max_tokens":8,"temperature":0.7})"),
              HasSubstr("the prompt was 3 tokens, and is 4"));
}

TEST_F(DerivedRequestTest, RefusesBodiesThatNobodyWouldTake) {
  EXPECT_THAT(refusal("{"), HasSubstr("the body is refused here"));
  EXPECT_THAT(refusal(R"({"model":"other","prompt":"ab"})"), HasSubstr("other"));
}

// Every recorded parameter, changed.
TEST_F(DerivedRequestTest, NamesEveryParameterThatDiffers) {
  const base::Json original = recorded_.parameters;
  for (const auto& [name, value] : original.as_object()) {
    recorded_.parameters = original;
    base::Json& changed = member(recorded_.parameters, name);
    changed = value.is_bool() ? base::Json(!value.as_bool())
                              : (value.is_int() ? base::Json(value.as_int() + 1)
                                                : base::Json(value.as_double() + 0.1));
    EXPECT_THAT(refusal(kBody), HasSubstr(name + " was "));
    recorded_.parameters = base::Json::object();
    for (const auto& [other, kept] : original.as_object()) {
      if (other != name) recorded_.parameters.set(other, kept);
    }
    EXPECT_THAT(refusal(kBody), HasSubstr(name + " is not in the record"));
  }
  recorded_.parameters = original;
  recorded_.parameters.set("mirostat", 1);
  EXPECT_THAT(refusal(kBody), HasSubstr("unknown here: mirostat"));
}

}  // namespace
}  // namespace daemon_replay
