#include "daemon/gateway/api_request.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "daemon/gateway/limits.h"
#include "hardening/base/json.h"

namespace daemon_gateway {
namespace {

using base::Json;

const daemon_ipc::Hello& model() {
  static const daemon_ipc::Hello hello{.model_id = "m",
                                       .created = 1,
                                       .context_tokens = 1'000,
                                       .vocabulary = 500,
                                       .choices_max = 8,
                                       .sequences_max = 16,
                                       .has_chat_template = true};
  return hello;
}

constexpr char kUserMessage[] = R"("messages":[{"role":"user","content":"hi"}])";

ApiResult<ApiRequest> chat(const std::string& members) {
  return parse_chat_request(R"({"model":"m",)" + std::string(kUserMessage) + "," + members + "}",
                            model(), 77);
}
ApiResult<ApiRequest> chat_messages(const std::string& messages) {
  return parse_chat_request(R"({"model":"m","messages":)" + messages + "}", model(), 77);
}
ApiResult<ApiRequest> completion(const std::string& members) {
  return parse_completion_request(R"({"model":"m","prompt":"hi",)" + members + "}", model(), 77);
}
ApiResult<ApiRequest> completion_prompt(const std::string& prompt) {
  return parse_completion_request(R"({"model":"m","prompt":)" + prompt + "}", model(), 77);
}

// "" when taken, else "param/code".
std::string verdict(const ApiResult<ApiRequest>& request) {
  if (request.ok()) return "";
  EXPECT_EQ(request.error().status, request.error().code == "model_not_found" ? 404 : 400);
  return request.error().param + "/" + request.error().code;
}

Json body_of(ApiResult<ApiRequest> request, std::size_t prompt = 0) {
  EXPECT_TRUE(request.ok()) << request.error().message;
  return Json::parse(request.value().prompts[prompt].body).value();
}

TEST(ApiRequest, TakesTheSmallestRequests) {
  auto request = chat(R"("stream":false)");
  ASSERT_TRUE(request.ok());
  ASSERT_EQ(request.value().prompts.size(), 1u);
  const auto& begin = request.value().prompts[0].begin;
  EXPECT_EQ(begin.kind, daemon_ipc::RequestKind::kChat);
  EXPECT_EQ(begin.tokens_max, 0u);
  EXPECT_EQ(begin.seed, 77u);
  EXPECT_EQ(begin.temperature, 1.0F);
  EXPECT_TRUE(begin.add_generation_prompt);
  auto text = completion(R"("stream":false)");
  EXPECT_EQ(text.value().prompts[0].begin.tokens_max, kCompletionTokensDefault);
  EXPECT_EQ(text.value().prompts[0].body, R"({"prompt":"hi"})");
}

TEST(ApiRequest, CarriesEveryParameterToTheEngine) {
  auto request = chat(
      R"("temperature":0.5,"top_p":0.25,"top_k":40,"min_p":0.125,"repetition_penalty":1.5,"presence_penalty":-2,)"
      R"("frequency_penalty":2,"seed":-1,"max_completion_tokens":9,"min_tokens":3,"n":4,"logprobs":true,)"
      R"("top_logprobs":20,"ignore_eos":true,"include_stop_str_in_output":true,"add_generation_prompt":false,)"
      R"("stop":["a","b"],"stop_token_ids":[3,499],"logit_bias":{"0":-100,"499":1.5},"stream":true,)"
      R"("stream_options":{"include_usage":true},"user":"u","response_format":{"type":"text"},"tools":[],)"
      R"("tool_choice":"none","best_of":1)");
  ASSERT_TRUE(request.ok()) << request.error().message;
  const auto& begin = request.value().prompts[0].begin;
  EXPECT_EQ(begin.temperature, 0.5F);
  EXPECT_EQ(begin.top_p, 0.25F);
  EXPECT_EQ(begin.top_k, 40);
  EXPECT_EQ(begin.min_p, 0.125F);
  EXPECT_EQ(begin.repetition_penalty, 1.5F);
  EXPECT_EQ(begin.presence_penalty, -2.0F);
  EXPECT_EQ(begin.frequency_penalty, 2.0F);
  EXPECT_EQ(begin.seed, ~std::uint64_t{0});
  EXPECT_EQ(begin.tokens_max, 9u);
  EXPECT_EQ(begin.tokens_min, 3u);
  EXPECT_EQ(begin.choices, 4u);
  EXPECT_TRUE(begin.logprobs);
  EXPECT_EQ(begin.top_logprobs, 20u);
  EXPECT_TRUE(begin.ignore_end_tokens);
  EXPECT_TRUE(begin.include_stop_text);
  EXPECT_FALSE(begin.add_generation_prompt);
  EXPECT_TRUE(request.value().stream);
  EXPECT_TRUE(request.value().include_usage);
  EXPECT_EQ(request.value().user, "u");
  EXPECT_EQ(
      request.value().prompts[0].body,
      R"({"messages":[{"role":"user","content":"hi"}],"stop":["a","b"],"stop_token_ids":[3,499],)"
      R"("logit_bias":[[0,-100.0],[499,1.5]]})");
}

// OpenAI's bounds; one label is kept.
TEST(ApiRequest, ReadsTheTagOfItsMetadata) {
  EXPECT_EQ(chat(R"("metadata":{"a":"b","tag":"ward 7"})").value().tag, "ward 7");
  EXPECT_EQ(completion(R"("metadata":{"a":"b"})").value().tag, "");
  const auto pairs = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += (i == 0 ? "" : ",") + std::string("\"k") + std::to_string(i) + "\":\"v\"";
    return R"("metadata":{)" + text + "}";
  };
  EXPECT_EQ(verdict(chat(pairs(16))), "");
  EXPECT_EQ(verdict(chat(pairs(17))), "metadata/invalid_value");
  const auto pair = [](std::size_t key_bytes, std::size_t value_bytes) {
    return R"("metadata":{")" + std::string(key_bytes, 'k') + R"(":")" +
           std::string(value_bytes, 'v') + R"("})";
  };
  EXPECT_EQ(verdict(chat(pair(64, 512))), "");
  EXPECT_EQ(verdict(chat(pair(65, 1))), "metadata/invalid_value");
  EXPECT_EQ(verdict(chat(pair(1, 513))), "metadata/invalid_value");
  EXPECT_EQ(verdict(chat(R"("metadata":{"tag":")" + std::string(64, 't') + "\"}")), "");
  EXPECT_EQ(verdict(chat(R"("metadata":{"tag":")" + std::string(65, 't') + "\"}")),
            "metadata.tag/invalid_value");
}

struct FieldCase {
  const char* member;
  const char* verdict;
};

class CommonField : public testing::TestWithParam<FieldCase> {};

TEST_P(CommonField, IsJudgedAlikeByBothEndpoints) {
  EXPECT_EQ(verdict(chat(GetParam().member)), GetParam().verdict) << GetParam().member;
  EXPECT_EQ(verdict(completion(GetParam().member)), GetParam().verdict) << GetParam().member;
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, CommonField,
    testing::Values(
        FieldCase{R"("temperature":0)", ""}, FieldCase{R"("temperature":2)", ""},
        FieldCase{R"("temperature":null)", ""},
        FieldCase{R"("temperature":-0.01)", "temperature/invalid_value"},
        FieldCase{R"("temperature":2.01)", "temperature/invalid_value"},
        FieldCase{R"("temperature":"1")", "temperature/invalid_type"},
        FieldCase{R"("temperature":1e400)", "/invalid_json"},
        FieldCase{R"("temperature":NaN)", "/invalid_json"}, FieldCase{R"("top_p":1)", ""},
        FieldCase{R"("top_p":1e-300)", ""}, FieldCase{R"("top_p":0)", "top_p/invalid_value"},
        FieldCase{R"("top_p":1.01)", "top_p/invalid_value"}, FieldCase{R"("min_p":1)", ""},
        FieldCase{R"("min_p":-0.1)", "min_p/invalid_value"}, FieldCase{R"("top_k":-1)", ""},
        FieldCase{R"("top_k":-2)", "top_k/invalid_value"}, FieldCase{R"("top_k":2147483647)", ""},
        FieldCase{R"("top_k":2147483648)", "top_k/invalid_value"},
        FieldCase{R"("top_k":1.5)", "top_k/invalid_type"},
        FieldCase{R"("repetition_penalty":0)", "repetition_penalty/invalid_value"},
        FieldCase{R"("repetition_penalty":2.5)", "repetition_penalty/invalid_value"},
        FieldCase{R"("presence_penalty":-2.1)", "presence_penalty/invalid_value"},
        FieldCase{R"("frequency_penalty":2.1)", "frequency_penalty/invalid_value"},
        FieldCase{R"("seed":9223372036854775807)", ""},
        FieldCase{R"("seed":-9223372036854775808)", ""},
        FieldCase{R"("seed":9223372036854775808)", "seed/invalid_value"},
        FieldCase{R"("seed":1.0)", "seed/invalid_type"},
        FieldCase{R"("seed":18446744073709551616)", "seed/invalid_type"},
        FieldCase{R"("max_tokens":1)", ""}, FieldCase{R"("max_tokens":1000)", ""},
        FieldCase{R"("max_tokens":0)", "max_tokens/invalid_value"},
        FieldCase{R"("max_tokens":1001)", "max_tokens/invalid_value"},
        FieldCase{R"("max_tokens":-1)", "max_tokens/invalid_value"}, FieldCase{R"("n":8)", ""},
        FieldCase{R"("n":9)", "n/invalid_value"}, FieldCase{R"("n":0)", "n/invalid_value"},
        FieldCase{R"("n":1000000000)", "n/invalid_value"},
        FieldCase{R"("n":true)", "n/invalid_type"},
        FieldCase{R"("best_of":2)", "best_of/invalid_value"},
        FieldCase{R"("min_tokens":-1)", "min_tokens/invalid_value"},
        FieldCase{R"("max_tokens":5,"min_tokens":5)", ""},
        FieldCase{R"("max_tokens":5,"min_tokens":6)", "min_tokens/invalid_value"}));

INSTANTIATE_TEST_SUITE_P(
    Others, CommonField,
    testing::Values(
        FieldCase{R"("stop":"x")", ""}, FieldCase{R"("stop":null)", ""},
        FieldCase{R"("stop":[])", ""}, FieldCase{R"("stop":"")", "stop/invalid_value"},
        FieldCase{R"("stop":[""])", "stop/invalid_value"},
        FieldCase{R"("stop":[1])", "stop/invalid_type"},
        FieldCase{R"("stop":{})", "stop/invalid_type"},
        FieldCase{R"("stop":["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"])",
                  "stop/invalid_value"},
        FieldCase{R"("stop_token_ids":[500])", "stop_token_ids/invalid_value"},
        FieldCase{R"("stop_token_ids":[-1])", "stop_token_ids/invalid_value"},
        FieldCase{R"("stop_token_ids":"1")", "stop_token_ids/invalid_type"},
        FieldCase{R"("logit_bias":{})", ""},
        FieldCase{R"("logit_bias":{"500":1})", "logit_bias/invalid_value"},
        FieldCase{R"("logit_bias":{"-1":1})", "logit_bias/invalid_value"},
        FieldCase{R"("logit_bias":{"01":1})", "logit_bias/invalid_value"},
        FieldCase{R"("logit_bias":{"1x":1})", "logit_bias/invalid_value"},
        FieldCase{R"("logit_bias":{"1":101})", "logit_bias/invalid_value"},
        FieldCase{R"("logit_bias":{"1":"a"})", "logit_bias/invalid_type"},
        FieldCase{R"("logit_bias":{"1":1,"1":2})", "/invalid_json"},
        FieldCase{R"("logit_bias":[])", "logit_bias/invalid_type"},
        FieldCase{R"("stream":1)", "stream/invalid_type"},
        FieldCase{R"("stream_options":{"include_usage":true})", "stream_options/invalid_value"},
        FieldCase{R"("stream":true,"stream_options":{"x":1})",
                  "stream_options.x/unknown_parameter"},
        FieldCase{R"("stream":true,"stream_options":true)", "stream_options/invalid_type"},
        FieldCase{R"("user":"abc")", ""}, FieldCase{R"("user":1)", "user/invalid_type"},
        FieldCase{R"("response_format":{"type":"json_object"})",
                  "response_format/unsupported_value"},
        FieldCase{R"("response_format":{})", "response_format.type/missing_required_parameter"},
        FieldCase{R"("response_format":{"type":"text","a":1})",
                  "response_format.a/unknown_parameter"},
        FieldCase{R"("tools":[{}])", "tools/unsupported_parameter"},
        FieldCase{R"("tool_choice":"auto")", "tool_choice/unsupported_parameter"},
        FieldCase{R"("store":false)", ""},
        FieldCase{R"("store":true)", "store/unsupported_parameter"},
        FieldCase{R"("metadata":{})", ""}, FieldCase{R"("metadata":{"tag":"t","a":""})", ""},
        FieldCase{R"("metadata":"x")", "metadata/invalid_type"},
        FieldCase{R"("metadata":{"tag":1})", "metadata/invalid_type"},
        FieldCase{R"("metadata":{"a":null})", "metadata/invalid_type"},
        FieldCase{R"("metadata":{"a":{}})", "metadata/invalid_type"},
        FieldCase{R"("parallel_tool_calls":true)", "parallel_tool_calls/unsupported_parameter"},
        FieldCase{R"("chat_template":"x")", "chat_template/unsupported_parameter"},
        FieldCase{R"("surprise":1)", "surprise/unknown_parameter"},
        FieldCase{R"("surprise":null)", "surprise/unknown_parameter"},
        FieldCase{R"("":1)", "/unknown_parameter"}, FieldCase{R"("model":"m")", "/invalid_json"}));

TEST(ApiRequest, RefusesWhatIsNotAnObject) {
  for (const char* body : {"", "[]", "1", "{", "{}}", "nonsense", "{\"a\":\"\xff\"}"}) {
    EXPECT_EQ(verdict(parse_chat_request(body, model(), 1)), "/invalid_json") << body;
    EXPECT_EQ(verdict(parse_completion_request(body, model(), 1)), "/invalid_json") << body;
  }
  std::string deep =
      R"({"model":"m","messages":)" + std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_EQ(verdict(parse_chat_request(deep, model(), 1)), "/invalid_json");
}

TEST(ApiRequest, NamesTheModelFirst) {
  EXPECT_EQ(verdict(parse_chat_request("{}", model(), 1)), "model/missing_required_parameter");
  EXPECT_EQ(verdict(parse_chat_request(R"({"model":1})", model(), 1)), "model/invalid_type");
  EXPECT_EQ(verdict(parse_chat_request(R"({"model":"../m"})", model(), 1)),
            "model/model_not_found");
  EXPECT_EQ(verdict(parse_completion_request(R"({"model":"M"})", model(), 1)),
            "model/model_not_found");
}

TEST(ChatRequest, ReadsRolesPartsAndNames) {
  const Json body = body_of(chat_messages(
      R"([{"role":"developer","content":"d"},{"role":"user","content":[{"type":"text","text":"a"},)"
      R"({"type":"text","text":"b"}],"name":"n"},{"role":"assistant","content":"c","refusal":null,"tool_calls":null,)"
      R"("annotations":[]},{"role":"tool","content":"t","tool_call_id":"x"}])"));
  EXPECT_EQ(
      body.dump(),
      R"({"messages":[{"role":"system","content":"d"},{"role":"user","content":"a\nb","name":"n"},)"
      R"({"role":"assistant","content":"c"},{"role":"tool","content":"t","tool_call_id":"x"}]})");
}

TEST(ChatRequest, NamesTheMemberAtFault) {
  const FieldCase cases[] = {
      {"[]", "messages/invalid_value"},
      {"1", "messages/invalid_type"},
      {"[1]", "messages[0]/invalid_type"},
      {R"([{"content":"a"}])", "messages[0].role/missing_required_parameter"},
      {R"([{"role":"king","content":"a"}])", "messages[0].role/invalid_value"},
      {R"([{"role":1,"content":"a"}])", "messages[0].role/invalid_type"},
      {R"([{"role":"user"}])", "messages[0].content/missing_required_parameter"},
      {R"([{"role":"user","content":null}])", "messages[0].content/missing_required_parameter"},
      {R"([{"role":"user","content":1}])", "messages[0].content/invalid_type"},
      {R"([{"role":"user","content":[]}])", "messages[0].content/invalid_value"},
      {R"([{"role":"user","content":["a"]}])", "messages[0].content[0]/invalid_type"},
      {R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}])",
       "messages[0].content[0].type/unsupported_value"},
      {R"([{"role":"user","content":[{"type":"text"}]}])",
       "messages[0].content[0].text/missing_required_parameter"},
      {R"([{"role":"user","content":[{"type":"text","text":1}]}])",
       "messages[0].content[0].text/invalid_type"},
      {R"([{"role":"user","content":[{"type":"text","text":"a","x":1}]}])",
       "messages[0].content[0].x/unknown_parameter"},
      {R"([{"role":"user","content":"a"},{"role":"user","content":"a","foo":1}])",
       "messages[1].foo/unknown_parameter"},
      {R"([{"role":"assistant","content":"a","tool_calls":[{}]}])",
       "messages[0].tool_calls/unsupported_parameter"},
      {R"([{"role":"user","content":"a","tool_call_id":"x"}])",
       "messages[0].tool_call_id/unknown_parameter"},
      {R"([{"role":"user","content":"a","name":1}])", "messages[0].name/invalid_type"},
  };
  for (const auto& [messages, expected] : cases)
    EXPECT_EQ(verdict(chat_messages(messages)), expected) << messages;
  EXPECT_EQ(verdict(parse_chat_request(R"({"model":"m"})", model(), 1)),
            "messages/missing_required_parameter");
  std::string many = "[";
  for (std::size_t i = 0; i <= kMessagesMax; ++i) many += R"({"role":"user","content":"a"},)";
  many.back() = ']';
  EXPECT_EQ(verdict(chat_messages(many)), "messages/invalid_value");
}

TEST(ChatRequest, JudgesItsOwnFields) {
  const FieldCase cases[] = {
      {R"("max_tokens":5,"max_completion_tokens":5)", ""},
      {R"("max_tokens":5,"max_completion_tokens":6)", "max_tokens/invalid_value"},
      {R"("logprobs":true)", ""},
      {R"("logprobs":1)", "logprobs/invalid_type"},
      {R"("top_logprobs":1)", "top_logprobs/invalid_value"},
      {R"("logprobs":true,"top_logprobs":21)", "top_logprobs/invalid_value"},
      {R"("logprobs":true,"top_logprobs":-1)", "top_logprobs/invalid_value"},
      {R"("continue_final_message":true)", "continue_final_message/invalid_value"},
      {R"("echo":true)", "echo/unknown_parameter"},
      {R"("prompt":"a")", "prompt/unknown_parameter"},
  };
  for (const auto& [member, expected] : cases) EXPECT_EQ(verdict(chat(member)), expected) << member;
}

TEST(ChatRequest, ContinuesAnAssistantMessageOnly) {
  const std::string messages = R"({"model":"m","messages":[{"role":"assistant","content":"a"}],)";
  auto request = parse_chat_request(messages + R"("continue_final_message":true})", model(), 1);
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request.value().prompts[0].begin.continue_final_message);
  EXPECT_FALSE(request.value().prompts[0].begin.add_generation_prompt);
  EXPECT_EQ(
      verdict(parse_chat_request(
          messages + R"("continue_final_message":true,"add_generation_prompt":true})", model(), 1)),
      "continue_final_message/invalid_value");
}

TEST(ChatRequest, NeedsATemplate) {
  daemon_ipc::Hello bare = model();
  bare.has_chat_template = false;
  const auto request =
      parse_chat_request(R"({"model":"m",)" + std::string(kUserMessage) + "}", bare, 1);
  EXPECT_EQ(verdict(request), "messages/unsupported_value");
}

TEST(CompletionRequest, TakesEveryFormOfPrompt) {
  EXPECT_EQ(body_of(completion_prompt(R"("")")).dump(), R"({"prompt":""})");
  EXPECT_EQ(body_of(completion_prompt("[1,2]")).dump(), R"({"prompt_tokens":[1,2]})");
  EXPECT_EQ(body_of(completion_prompt(R"(["a","b"])"), 1).dump(), R"({"prompt":"b"})");
  EXPECT_EQ(body_of(completion_prompt("[[1],[2,3]]"), 1).dump(), R"({"prompt_tokens":[2,3]})");
}

TEST(CompletionRequest, RefusesOtherPrompts) {
  const FieldCase cases[] = {
      {"1", "prompt/invalid_type"},
      {"{}", "prompt/invalid_type"},
      {"null", "prompt/missing_required_parameter"},
      {"[]", "prompt/invalid_value"},
      {"[[]]", "prompt/invalid_value"},
      {R"(["a",1])", "prompt/invalid_type"},
      {R"([1,"a"])", "prompt/invalid_type"},
      {R"([[1],"a"])", "prompt/invalid_type"},
      {"[500]", "prompt/invalid_value"},
      {"[-1]", "prompt/invalid_value"},
      {"[1.5]", "prompt/invalid_type"},
      {"[true]", "prompt/invalid_type"},
      {R"(["","","","","","","","","","","","","","","","",""])", "prompt/invalid_value"},
  };
  for (const auto& [prompt, expected] : cases)
    EXPECT_EQ(verdict(completion_prompt(prompt)), expected) << prompt;
  std::string tokens = "[1";
  for (int i = 0; i < 1'000; ++i) tokens += ",1";
  EXPECT_EQ(verdict(completion_prompt(tokens + "]")), "prompt/context_length_exceeded");
}

TEST(CompletionRequest, JudgesItsOwnFields) {
  const FieldCase cases[] = {
      {R"("logprobs":0)", ""},
      {R"("logprobs":20)", ""},
      {R"("logprobs":21)", "logprobs/invalid_value"},
      {R"("logprobs":true)", "logprobs/invalid_type"},
      {R"("echo":true)", ""},
      {R"("echo":"yes")", "echo/invalid_type"},
      {R"("suffix":null)", ""},
      {R"("suffix":"x")", "suffix/unsupported_parameter"},
      {R"("messages":[])", "messages/unknown_parameter"},
      {R"("top_logprobs":1)", "top_logprobs/unknown_parameter"},
  };
  for (const auto& [member, expected] : cases)
    EXPECT_EQ(verdict(completion(member)), expected) << member;
  EXPECT_TRUE(completion(R"("logprobs":0)").value().prompts[0].begin.logprobs);
  EXPECT_FALSE(completion(R"("logprobs":null)").value().prompts[0].begin.logprobs);
}

// Each choice has its place in one record of the audit log.
TEST(CompletionRequest, BoundsTheChoicesOfAllPrompts) {
  auto generous = model();
  generous.choices_max = 32;
  const std::string prompts = R"("prompt":["","","","","","","","","","","","","","","",""])";
  const auto asked = [&](const char* n) {
    return verdict(
        parse_completion_request(R"({"model":"m",)" + prompts + R"(,"n":)" + n + "}", generous, 5));
  };
  EXPECT_EQ(asked("16"), "");
  EXPECT_EQ(asked("17"), "n/invalid_value");
}

TEST(CompletionRequest, GivesEveryPromptTheSameParameters) {
  auto request =
      parse_completion_request(R"({"model":"m","prompt":["a","b"],"n":2,"stop":"x"})", model(), 5);
  ASSERT_TRUE(request.ok());
  ASSERT_EQ(request.value().prompts.size(), 2u);
  EXPECT_EQ(request.value().choices, 2u);
  for (const auto& prompt : request.value().prompts) {
    EXPECT_EQ(prompt.begin.choices, 2u);
    EXPECT_EQ(prompt.begin.seed, 5u);
  }
  EXPECT_EQ(request.value().prompts[1].body, R"({"stop":["x"],"prompt":"b"})");
}

}  // namespace
}  // namespace daemon_gateway
