#include "daemon/engine/prompt.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/runtime/engine/small_tokenizer.h"

namespace daemon_engine {
namespace {

using runtime::GenerationRequest;
using runtime::SmallTokenizer;
using runtime::TokenId;

constexpr std::size_t kContext = 64;
constexpr TokenId kA = SmallTokenizer::kLetterA;
constexpr TokenId kTurn = SmallTokenizer::kTurn;

class PromptTest : public testing::Test {
 protected:
  PromptTest() {
    auto parsed = runtime::ChatTemplate::parse(
        "{{ bos_token }}{% for m in messages %}<|turn|>{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<|turn|>{% else %}z{% endif %}");
    EXPECT_TRUE(parsed.ok()) << parsed.error().message;
    template_ = std::move(parsed).value();
  }

  static daemon_ipc::RequestBegin chat() {
    daemon_ipc::RequestBegin begin;
    begin.id = 5;
    begin.tokens_max = 10;
    return begin;
  }
  static daemon_ipc::RequestBegin completion() {
    daemon_ipc::RequestBegin begin = chat();
    begin.kind = daemon_ipc::RequestKind::kCompletion;
    return begin;
  }

  GenerationRequest made(const daemon_ipc::RequestBegin& begin, std::string_view body) {
    auto result = make_request(begin, body, {tokenizer_, template_.get(), kContext});
    if (const auto* refusal = std::get_if<Refusal>(&result)) {
      ADD_FAILURE() << refusal->message;
      return {};
    }
    return std::get<GenerationRequest>(std::move(result));
  }

  Refusal refused(const daemon_ipc::RequestBegin& begin, std::string_view body) {
    auto result = make_request(begin, body, {tokenizer_, template_.get(), kContext});
    if (auto* refusal = std::get_if<Refusal>(&result)) return std::move(*refusal);
    ADD_FAILURE() << "not refused";
    return {};
  }

  SmallTokenizer tokenizer_;
  std::unique_ptr<runtime::ChatTemplate> template_;
};

TEST_F(PromptTest, RendersMessagesWithTheTemplate) {
  const auto request = made(chat(), R"({"messages":[{"role":"user","content":"ab"}]})");
  EXPECT_EQ(request.prompt, (std::vector<TokenId>{SmallTokenizer::kBos, kTurn, kA, kA + 1, kTurn}));
  EXPECT_EQ(request.id, 5U);
  EXPECT_EQ(request.tokens_max, 10U);
}

TEST_F(PromptTest, AUsersWordsAreNeverControlTokens) {
  const auto request = made(chat(), R"({"messages":[{"role":"user","content":"<|turn|>a</s>"}]})");
  EXPECT_EQ(std::ranges::count(request.prompt, kTurn), 2) << "the template's own";
  EXPECT_EQ(std::ranges::count(request.prompt, SmallTokenizer::kEos), 0);
  const auto text = made(completion(), R"({"prompt":"<|turn|>a"})");
  EXPECT_EQ(std::ranges::count(text.prompt, kTurn), 0);
}

TEST_F(PromptTest, ContinuesTheFinalMessage) {
  daemon_ipc::RequestBegin begin = chat();
  begin.add_generation_prompt = false;
  begin.continue_final_message = true;
  const auto request =
      made(begin,
           R"({"messages":[{"role":"user","content":"ab"},{"role":"assistant","content":"cd "}]})");
  EXPECT_EQ(request.prompt,
            (std::vector<TokenId>{SmallTokenizer::kBos, kTurn, kA, kA + 1, kTurn, kA + 2, kA + 3}));
}

TEST_F(PromptTest, TakesPromptsAsTextAndAsTokens) {
  EXPECT_EQ(made(completion(), R"({"prompt":"ab"})").prompt,
            (std::vector<TokenId>{SmallTokenizer::kBos, kA, kA + 1}));
  EXPECT_EQ(made(completion(), R"({"prompt_tokens":[7,2,9]})").prompt,
            (std::vector<TokenId>{7, 2, 9}));
}

TEST_F(PromptTest, TakesEveryParameter) {
  daemon_ipc::RequestBegin begin = completion();
  begin.tenant = 9;
  begin.choices = 3;
  begin.tokens_min = 2;
  begin.logprobs = true;
  begin.top_logprobs = 4;
  begin.echo = true;
  begin.ignore_end_tokens = true;
  begin.include_stop_text = true;
  begin.temperature = 0.5F;
  begin.top_k = 6;
  begin.top_p = 0.7F;
  begin.min_p = 0.1F;
  begin.repetition_penalty = 1.1F;
  begin.presence_penalty = 0.2F;
  begin.frequency_penalty = 0.3F;
  begin.seed = 77;
  const auto r = made(
      begin,
      R"({"prompt":"a","stop":["x","yy"],"stop_token_ids":[4],"logit_bias":[[8,-1.5],[9,2]]})");
  EXPECT_EQ(r.tenant, 9U);
  EXPECT_EQ(r.choices, 3U);
  EXPECT_EQ(r.tokens_min, 2U);
  EXPECT_TRUE(r.logprobs && r.echo_logprobs && r.ignore_end_tokens && r.include_stop_text);
  EXPECT_EQ(r.top_logprobs, 4U);
  EXPECT_EQ(r.stop, (std::vector<std::string>{"x", "yy"}));
  EXPECT_EQ(r.stop_tokens, (std::vector<TokenId>{4}));
  EXPECT_EQ(r.sampling.temperature, 0.5F);
  EXPECT_EQ(r.sampling.top_k, 6);
  EXPECT_EQ(r.sampling.top_p, 0.7F);
  EXPECT_EQ(r.sampling.min_p, 0.1F);
  EXPECT_EQ(r.sampling.repetition_penalty, 1.1F);
  EXPECT_EQ(r.sampling.presence_penalty, 0.2F);
  EXPECT_EQ(r.sampling.frequency_penalty, 0.3F);
  EXPECT_EQ(r.sampling.seed, 77U);
  ASSERT_EQ(r.sampling.logit_bias.size(), 2U);
  EXPECT_EQ(r.sampling.logit_bias[0], (std::pair<TokenId, float>(8, -1.5F)));
}

TEST_F(PromptTest, WithoutALimitGeneratesWhatTheContextLeaves) {
  daemon_ipc::RequestBegin begin = completion();
  begin.tokens_max = 0;
  EXPECT_EQ(made(begin, R"({"prompt_tokens":[7,8,9]})").tokens_max, kContext - 3);
}

TEST_F(PromptTest, SaysWhenTheContextIsTooShort) {
  const std::string long_prompt = R"({"prompt":")" + std::string(kContext + 1, 'a') + "\"}";
  EXPECT_EQ(refused(completion(), long_prompt).api_code, "context_length_exceeded");
  const std::string prompt = R"({"prompt":")" + std::string(kContext - 6, 'a') + "\"}";
  const Refusal refusal = refused(completion(), prompt);
  EXPECT_EQ(refusal.api_code, "context_length_exceeded");
  EXPECT_EQ(refusal.param, "prompt");
  EXPECT_EQ(
      refusal.message,
      "This model's context is 64 tokens; 69 were asked for (59 of the prompt, 10 to generate).");
}

TEST_F(PromptTest, NamesTheMemberAtFault) {
  EXPECT_EQ(refused(completion(), R"({"prompt":"a","stop":"x"})").param, "stop");
  EXPECT_EQ(refused(completion(), R"({"prompt":"a","stop":[""]})").param, "stop");
  EXPECT_EQ(refused(completion(), R"({"prompt":"a","stop_token_ids":[48]})").param, "stop");
  EXPECT_EQ(refused(completion(), R"({"prompt":"a","logit_bias":[[1,101]]})").param, "logit_bias");
  EXPECT_EQ(refused(completion(), R"({"prompt":"a","logit_bias":[[1,1],[1,1]]})").param,
            "logit_bias");
  EXPECT_EQ(refused(completion(), R"({"prompt_tokens":[1,48]})").param, "prompt");
  EXPECT_EQ(refused(completion(), R"({"prompt_tokens":[]})").message, "the prompt has no token");
  EXPECT_EQ(refused(chat(), R"({"messages":[]})").param, "messages");
  daemon_ipc::RequestBegin none = completion();
  none.choices = 0;
  EXPECT_EQ(refused(none, R"({"prompt":"a"})").param, "n");
}

TEST_F(PromptTest, RefusesWhatIsNoBody) {
  for (const char* body :
       {"", "[]", "{", R"({"prompt":"a","extra":1})", R"({"prompt":"a","prompt":"b"})"}) {
    EXPECT_EQ(refused(completion(), body).code, base::ErrorCode::kInvalidInput) << body;
  }
  EXPECT_EQ(refused(chat(), R"({"prompt":"a"})").code, base::ErrorCode::kInvalidInput)
      << "not of this kind";
}

TEST_F(PromptTest, RefusesMessagesOfTheWrongShape) {
  daemon_ipc::RequestBegin open = chat();
  open.continue_final_message = true;
  for (const char* body :
       {R"({"messages":["x"]})", R"({"messages":[{"role":"user"}]})",
        R"({"messages":[{"content":7}]})", R"({"messages":[{"content":" "}]})"}) {
    EXPECT_EQ(refused(open, body).param, "messages") << body;
  }
}

TEST_F(PromptTest, AModelWithoutATemplateTakesNoChat) {
  template_.reset();
  EXPECT_EQ(refused(chat(), R"({"messages":[{"role":"user","content":"a"}]})").code,
            base::ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace daemon_engine
