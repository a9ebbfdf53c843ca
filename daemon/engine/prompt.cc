#include "daemon/engine/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "daemon/engine/limits.h"

namespace daemon_engine {
namespace {

using base::Json;
using base::Result;
using base::Status;
using daemon_ipc::RequestBegin;
using daemon_ipc::RequestKind;
using runtime::TokenId;

// ---- the body's members -----------------------------------------------------------------------------------

Status only_members(const Json& body, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : body.as_object()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) return base::invalid_input("unknown body member");
  }
  return {};
}

// An array of at most count_max items, empty when the member is missing.
Result<Json::Array> array_of(const Json& body, std::string_view key, std::size_t count_max) {
  const Json* list = body.find(key);
  if (list == nullptr) return Json::Array();
  if (!list->is_array()) return base::invalid_input(fmt::format("{} is not an array", key));
  if (list->as_array().size() > count_max) {
    return base::exhausted(fmt::format("{} has {} items, limit {}", key, list->as_array().size(), count_max));
  }
  return list->as_array();
}

Result<TokenId> token_id(const Json& json, const runtime::Tokenizer& tokenizer, std::string_view key) {
  if (!json.is_int() || json.as_int() < 0 ||
      static_cast<std::uint64_t>(json.as_int()) >= tokenizer.vocabulary_size()) {
    return base::invalid_input(fmt::format("{} names a token outside the vocabulary of {}", key, tokenizer.vocabulary_size()));
  }
  return static_cast<TokenId>(json.as_int());
}

Status read_stopping(const Json& body, const runtime::Tokenizer& tokenizer, runtime::GenerationRequest& request) {
  for (const Json& text : TRY(array_of(body, "stop", kStopStringsMax))) {
    if (!text.is_string() || text.as_string().empty() || text.as_string().size() > kStopStringBytesMax) {
      return base::invalid_input(fmt::format("stop holds strings of 1 to {} bytes", kStopStringBytesMax));
    }
    request.stop.push_back(text.as_string());
  }
  for (const Json& token : TRY(array_of(body, "stop_token_ids", kStopTokensMax))) {
    request.stop_tokens.push_back(TRY(token_id(token, tokenizer, "stop_token_ids")));
  }
  return {};
}

Status read_logit_bias(const Json& body, const runtime::Tokenizer& tokenizer, runtime::SamplingParams& sampling) {
  for (const Json& pair : TRY(array_of(body, "logit_bias", kLogitBiasMax))) {
    if (!pair.is_array() || pair.as_array().size() != 2 || !pair.as_array()[1].is_number()) {
      return base::invalid_input("logit_bias holds pairs of a token and a number");
    }
    const TokenId token = TRY(token_id(pair.as_array()[0], tokenizer, "logit_bias"));
    const double bias = pair.as_array()[1].as_double();
    if (!(std::abs(bias) <= 100)) return base::invalid_input("logit_bias is -100 to 100");
    const auto same = [&](const auto& known) { return known.first == token; };
    if (std::any_of(sampling.logit_bias.begin(), sampling.logit_bias.end(), same)) {
      return base::invalid_input("logit_bias names a token twice");
    }
    sampling.logit_bias.emplace_back(token, static_cast<float>(bias));
  }
  return {};
}

// ---- the prompt -------------------------------------------------------------------------------------------

// The text of a token as a template variable; empty when the model has no such token.
std::string token_text(const runtime::Tokenizer& tokenizer, TokenId token) {
  return token == runtime::kNoToken ? std::string() : std::string(tokenizer.piece(token, true));
}

// The messages in the template's own words. With continue_final_message the last message is left open: the text
// ends where its content does (its last occurrence, as transformers has it).
Result<std::vector<runtime::TemplateSpan>> render_chat(const RequestBegin& begin, const Json& messages,
                                                       const PromptTools& tools) {
  if (tools.chat_template == nullptr) return base::unsupported("the model has no chat template");
  const runtime::Vocabulary& vocabulary = tools.tokenizer.vocabulary();
  const Json variables = Json::object({{"messages", messages},
                                       {"add_generation_prompt", begin.add_generation_prompt},
                                       {"bos_token", token_text(tools.tokenizer, vocabulary.bos)},
                                       {"eos_token", token_text(tools.tokenizer, vocabulary.eos)}});
  return tools.chat_template->render(variables, begin.time);
}

// Cuts the rendering behind the last occurrence of the final message's content.
Status leave_open(const Json& messages, std::vector<runtime::TemplateSpan>& spans) {
  const Json* content = messages.as_array().back().find("content");
  if (content == nullptr || !content->is_string()) return base::invalid_input("the final message has no text");
  std::string_view wanted = content->as_string();
  // Templates trim; what they put out of it is what must be found.
  const auto first = wanted.find_first_not_of(" \t\r\n");
  if (first == wanted.npos) return base::invalid_input("the final message is empty");
  wanted = wanted.substr(first, wanted.find_last_not_of(" \t\r\n") - first + 1);
  for (std::size_t i = spans.size(); i-- > 0;) {
    const auto at = spans[i].from_input ? spans[i].text.rfind(wanted) : std::string::npos;
    if (at == std::string::npos) continue;
    spans[i].text.resize(at + wanted.size());
    spans.resize(i + 1);
    return {};
  }
  return base::invalid_input("the chat template does not show the final message as it is");
}

Result<std::vector<TokenId>> encode_chat(const RequestBegin& begin, const Json& body, const PromptTools& tools) {
  const Json* messages = body.find("messages");
  if (messages == nullptr || !messages->is_array() || messages->as_array().empty() ||
      messages->as_array().size() > kMessagesMax) {
    return base::invalid_input(fmt::format("messages is an array of 1 to {} items", kMessagesMax));
  }
  for (const Json& message : messages->as_array()) {
    if (!message.is_object()) return base::invalid_input("messages has an item that is not an object");
  }
  auto spans = TRY(render_chat(begin, *messages, tools));
  if (begin.continue_final_message) TRY(leave_open(*messages, spans));
  // Control tokens are recognised in the template's own text alone.
  std::vector<runtime::TextSpan> text;
  for (const runtime::TemplateSpan& span : spans) text.push_back({span.text, !span.from_input});
  std::vector<TokenId> tokens;
  TRY(tools.tokenizer.encode_spans(text, {}, tools.context_tokens_max, tokens));
  return tokens;
}

Result<std::vector<TokenId>> encode_completion(const Json& body, const PromptTools& tools) {
  std::vector<TokenId> tokens;
  if (const Json* text = body.find("prompt"); text != nullptr && text->is_string()) {
    TRY(tools.tokenizer.encode(text->as_string(), {.add_special = true}, tools.context_tokens_max, tokens));
    return tokens;
  }
  for (const Json& token : TRY(array_of(body, "prompt_tokens", tools.context_tokens_max))) {
    tokens.push_back(TRY(token_id(token, tools.tokenizer, "prompt")));
  }
  return tokens;
}

// ---- the whole --------------------------------------------------------------------------------------------

std::string_view prompt_param(RequestKind kind) { return kind == RequestKind::kChat ? "messages" : "prompt"; }

Refusal refuse(const base::Error& error, std::string_view param) {
  return {error.code, error.code == base::ErrorCode::kUnsupported ? "unsupported_value" : "invalid_value", param,
          error.message};
}

Refusal too_long(std::string_view param, std::string message) {
  return {base::ErrorCode::kExhausted, "context_length_exceeded", param, std::move(message)};
}

runtime::GenerationRequest parameters_of(const RequestBegin& begin) {
  runtime::GenerationRequest request;
  request.id = begin.id;
  request.tenant = begin.tenant;
  request.choices = begin.choices;
  request.tokens_min = begin.tokens_min;
  request.ignore_end_tokens = begin.ignore_end_tokens;
  request.include_stop_text = begin.include_stop_text;
  request.logprobs = begin.logprobs;
  request.top_logprobs = begin.top_logprobs;
  request.echo_logprobs = begin.echo && begin.logprobs;
  request.sampling.temperature = begin.temperature;
  request.sampling.top_k = begin.top_k;
  request.sampling.top_p = begin.top_p;
  request.sampling.min_p = begin.min_p;
  request.sampling.repetition_penalty = begin.repetition_penalty;
  request.sampling.presence_penalty = begin.presence_penalty;
  request.sampling.frequency_penalty = begin.frequency_penalty;
  request.sampling.seed = begin.seed;
  return request;
}

// Settles how many tokens may follow the prompt.
Status fit_context(const RequestBegin& begin, std::size_t context, runtime::GenerationRequest& request) {
  const std::size_t prompt = request.prompt.size();
  if (prompt >= context) {
    return base::exhausted(fmt::format("This model's context is {} tokens; the prompt alone has {}.", context, prompt));
  }
  if (begin.tokens_max > context - prompt) {
    return base::exhausted(fmt::format(
        "This model's context is {} tokens; {} were asked for ({} of the prompt, {} to generate).", context,
        prompt + begin.tokens_max, prompt, begin.tokens_max));
  }
  request.tokens_max = begin.tokens_max != 0 ? begin.tokens_max : static_cast<std::uint32_t>(context - prompt);
  return {};
}

}  // namespace

std::variant<runtime::GenerationRequest, Refusal> make_request(const RequestBegin& begin, std::string_view body_text,
                                                               const PromptTools& tools) {
  const std::string_view param = prompt_param(begin.kind);
  const auto body = Json::parse(body_text, {.bytes_max = kBodyBytesMax, .depth_max = 32});
  if (!body.ok()) return refuse(body.error(), "");
  if (!body.value().is_object()) return refuse(base::invalid_input("the body is not an object"), "");
  auto members = begin.kind == RequestKind::kChat
                     ? only_members(body.value(), {"messages", "stop", "stop_token_ids", "logit_bias"})
                     : only_members(body.value(), {"prompt", "prompt_tokens", "stop", "stop_token_ids", "logit_bias"});
  if (!members.ok()) return refuse(members.error(), "");

  runtime::GenerationRequest request = parameters_of(begin);
  if (begin.choices == 0 || begin.choices > kChoicesMax) {
    return refuse(base::invalid_input(fmt::format("n is 1 to {}", kChoicesMax)), "n");
  }
  if (auto status = read_stopping(body.value(), tools.tokenizer, request); !status.ok()) {
    return refuse(status.error(), "stop");
  }
  if (auto status = read_logit_bias(body.value(), tools.tokenizer, request.sampling); !status.ok()) {
    return refuse(status.error(), "logit_bias");
  }
  auto prompt = begin.kind == RequestKind::kChat ? encode_chat(begin, body.value(), tools)
                                                 : encode_completion(body.value(), tools);
  if (!prompt.ok() && prompt.error().code == base::ErrorCode::kExhausted) {
    return too_long(param, fmt::format("This model's context is {} tokens; the prompt is longer.",
                                       tools.context_tokens_max));
  }
  if (!prompt.ok()) return refuse(prompt.error(), param);
  if (prompt.value().empty()) return refuse(base::invalid_input("the prompt has no token"), param);
  request.prompt = std::move(prompt).value();
  if (auto status = fit_context(begin, tools.context_tokens_max, request); !status.ok()) {
    return too_long(param, status.error().message);
  }
  return request;
}

}  // namespace daemon_engine
