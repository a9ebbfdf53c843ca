#include "daemon/engine/golden_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daemon_engine {
namespace {

using testing::HasSubstr;

constexpr std::string_view kHead =
    R"({"type":"redoubt-golden","format":1,"kernels":"avx2","tolerance":{"tokens":0.9,"logprob":0.05},"prompts":[)";

std::string error_of(const std::string& text) {
  const auto set = GoldenSet::parse(text);
  return set.ok() ? "" : set.error().message;
}

std::string with(std::string_view prompt) {
  return std::string(kHead) + std::string(prompt) + "]}";
}

TEST(GoldenSet, ReadsWhatItWrote) {
  GoldenSet set;
  set.kernels = "avx512";
  set.agreement_min = 0.75;
  set.prompts = {{"1", {1, 2, 3}, {4, 5}, {-0.5F, -1.25F}}, {"2", {9}, {8}, {0}}};
  const auto read = GoldenSet::parse(set.serialize());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value().kernels, "avx512");
  EXPECT_EQ(read.value().agreement_min, 0.75);
  EXPECT_EQ(read.value().difference_max, 0.05);
  ASSERT_EQ(read.value().prompts.size(), 2U);
  EXPECT_EQ(read.value().prompts[0].tokens, (std::vector<runtime::TokenId>{1, 2, 3}));
  EXPECT_EQ(read.value().prompts[0].logprobs, (std::vector<float>{-0.5F, -1.25F}));
  EXPECT_EQ(read.value().serialize(), set.serialize());
}

TEST(GoldenSet, NamesWhatIsWrong) {
  EXPECT_EQ(error_of(with(R"({"id":"a","tokens":[1],"expected":[2],"logprobs":[-1]})")), "");
  EXPECT_THAT(error_of(with(R"({"id":"a","tokens":[1],"expected":[2],"logprobs":[-1],"note":1})")),
              HasSubstr("prompts[0].\"note\""));
  EXPECT_THAT(error_of(with(R"({"id":"a","tokens":[],"expected":[2],"logprobs":[-1]})")),
              HasSubstr("prompts[0].tokens has 0 items"));
  EXPECT_THAT(error_of(with(R"({"id":"a","tokens":[-1],"expected":[2],"logprobs":[-1]})")),
              HasSubstr("tokens[0] is not a token id"));
  EXPECT_THAT(error_of(with(R"({"id":"a","tokens":[2147483648],"expected":[2],"logprobs":[-1]})")),
              HasSubstr("tokens[0]"));
  EXPECT_THAT(error_of(with(R"({"id":"a","tokens":[1],"expected":[2],"logprobs":[]})")),
              HasSubstr("logprobs has 0 items"));
  EXPECT_THAT(error_of(with(R"({"id":"a","tokens":[1],"expected":[2],"logprobs":[0.5]})")),
              HasSubstr("logprobs[0] is not a log-probability"));
  EXPECT_THAT(
      error_of(with(
          R"({"id":"a","tokens":[1],"expected":[2],"logprobs":[-1]},{"id":"a","tokens":[1],"expected":[2],"logprobs":[-1]})")),
      HasSubstr("prompts[1].id is that of an earlier one"));
  EXPECT_THAT(error_of(with("")), HasSubstr("prompts has 0 items"));
  EXPECT_THAT(error_of("[]"), HasSubstr("the document is not an object"));
  EXPECT_THAT(error_of(R"({"type":"redoubt-root"})"), HasSubstr("type is not \"redoubt-golden\""));
  EXPECT_THAT(error_of(R"({"type":"redoubt-golden","format":2})"), HasSubstr("format"));
}

}  // namespace
}  // namespace daemon_engine
