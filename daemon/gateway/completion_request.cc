#include <fmt/format.h>

#include <algorithm>

#include "daemon/gateway/api_request.h"
#include "daemon/gateway/common_fields.h"
#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

using base::Json;
using daemon_ipc::Hello;
using daemon_ipc::RequestBegin;

constexpr std::string_view kPromptTypes = "a string, an array of strings, or token ids";

// One prompt as a member of the engine's body.
using Prompt = Json::Member;

ApiResult<Prompt> token_prompt(const Json& tokens, const Hello& model) {
  const std::size_t count = tokens.as_array().size();
  if (count > model.context_tokens) {
    return bad_request(fmt::format("The prompt has {} tokens; this model's context is {} tokens.",
                                   count, model.context_tokens),
                       "prompt", "context_length_exceeded");
  }
  for (const Json& token : tokens.as_array()) {
    if (!token.is_int()) return wrong_type("prompt", kPromptTypes, token);
    if (token.as_int() < 0 || token.as_int() >= model.vocabulary) {
      return bad_value("prompt",
                       fmt::format("the model's tokens are 0 to {}", model.vocabulary - 1));
    }
  }
  return Prompt{"prompt_tokens", tokens};
}

ApiResult<Prompt> one_prompt(const Json& prompt, const Hello& model) {
  if (prompt.is_string()) return Prompt{"prompt", prompt};
  if (!prompt.is_array()) return wrong_type("prompt", kPromptTypes, prompt);
  if (prompt.as_array().empty())
    return bad_value("prompt", "an array of token ids must not be empty");
  return token_prompt(prompt, model);
}

ApiResult<std::vector<Prompt>> read_prompts(RequestFields& fields, const Hello& model) {
  const Json* const prompt = fields.member("prompt");
  if (prompt == nullptr)
    return bad_request("'prompt' is required.", "prompt", "missing_required_parameter");
  std::vector<Prompt> prompts;
  const bool many =
      prompt->is_array() && !prompt->as_array().empty() && !prompt->as_array().front().is_number();
  if (!many) {
    prompts.push_back(TRY(one_prompt(*prompt, model)));
    return prompts;
  }
  if (prompt->as_array().size() > kPromptsMax) {
    return bad_value("prompt", fmt::format("at most {} prompts are allowed", kPromptsMax));
  }
  const bool texts = prompt->as_array().front().is_string();
  for (const Json& each : prompt->as_array()) {
    if (each.is_string() != texts) return wrong_type("prompt", kPromptTypes, each);
    prompts.push_back(TRY(one_prompt(each, model)));
  }
  return prompts;
}

ApiStatus read_logprobs(RequestFields& fields, RequestBegin& out_begin) {
  const auto top = TRY(fields.integer("logprobs", {.min = 0, .max = kTopLogprobsMax}));
  out_begin.logprobs = top.has_value();
  out_begin.top_logprobs = static_cast<std::uint32_t>(top.value_or(0));
  return {};
}

}  // namespace

ApiResult<ApiRequest> parse_completion_request(std::string_view body, const Hello& model,
                                               std::uint64_t seed_if_absent) {
  const Json json = TRY(parse_body(body));
  RequestFields fields(json, "");
  TRY(check_model(fields, model));
  ApiRequest request;
  RequestBegin begin;
  begin.kind = daemon_ipc::RequestKind::kCompletion;
  std::vector<Prompt> prompts = TRY(read_prompts(fields, model));
  begin.tokens_max =
      TRY(fields.count("max_tokens", std::min(kCompletionTokensDefault, model.context_tokens),
                       {.min = 1, .max = model.context_tokens}));
  TRY(read_sampling(fields, seed_if_absent, begin));
  TRY(read_generation(fields, model, begin));
  TRY(read_logprobs(fields, begin));
  begin.echo = TRY(fields.boolean("echo", false));
  TRY(fields.refuse("suffix"));
  Json shared = Json::object();
  TRY(read_stopping(fields, model, shared));
  TRY(read_delivery(fields, request));
  TRY(fields.refuse_unknown());
  if (prompts.size() * begin.choices > kChoicesTotalMax) {
    return bad_value("n",
                     fmt::format("all prompts together have at most {} choices", kChoicesTotalMax));
  }
  request.choices = begin.choices;
  request.logprobs = begin.logprobs;
  for (auto& [name, value] : prompts) {
    Json engine_body = shared;
    engine_body.set(std::move(name), std::move(value));
    request.prompts.push_back({begin, engine_body.dump()});
  }
  return request;
}

}  // namespace daemon_gateway
