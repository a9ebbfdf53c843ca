#include "daemon/replay/derived_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/engine/limits.h"
#include "daemon/gateway/api_request.h"

namespace daemon_replay {
namespace {

using base::Json;
using base::Result;
using base::Status;
using daemon_ipc::RequestBegin;
using runtime::GenerationRequest;

base::Error differs(std::string_view what, std::string_view recorded, std::string_view here) {
  return base::denied(fmt::format("{} was {}, and is {} by the body", what, recorded, here));
}

// The gateway computes in single precision, and writes the shortest decimal that reads back.
bool same(const Json& recorded, float here) {
  return recorded.is_number() && static_cast<float>(recorded.as_double()) == here;
}
bool same(const Json& recorded, bool here) {
  return recorded.is_bool() && recorded.as_bool() == here;
}
bool same(const Json& recorded, std::int64_t here) {
  return recorded.is_int() && recorded.as_int() == here;
}

struct Parameter {
  std::string_view name;
  std::variant<std::int64_t, float, bool> here;
};

std::vector<Parameter> parameters_of(const RequestBegin& begin) {
  return {{"choices", std::int64_t{begin.choices}},
          {"tokens_max", std::int64_t{begin.tokens_max}},
          {"tokens_min", std::int64_t{begin.tokens_min}},
          {"temperature", begin.temperature},
          {"top_k", std::int64_t{begin.top_k}},
          {"top_p", begin.top_p},
          {"min_p", begin.min_p},
          {"repetition_penalty", begin.repetition_penalty},
          {"presence_penalty", begin.presence_penalty},
          {"frequency_penalty", begin.frequency_penalty},
          {"logprobs", begin.logprobs},
          {"top_logprobs", std::int64_t{begin.top_logprobs}},
          {"echo", begin.echo},
          {"ignore_end_tokens", begin.ignore_end_tokens},
          {"include_stop_text", begin.include_stop_text},
          {"continue_final_message", begin.continue_final_message},
          {"add_generation_prompt", begin.add_generation_prompt}};
}

// What a gateway in front of this engine would know of it.
daemon_ipc::Hello hello_of(const RecordedRequest& recorded,
                           const daemon_engine::PromptTools& tools) {
  daemon_ipc::Hello hello;
  hello.model_id = recorded.model_name;
  hello.context_tokens = static_cast<std::uint32_t>(tools.context_tokens_max);
  hello.vocabulary = static_cast<std::uint32_t>(tools.tokenizer.vocabulary_size());
  hello.choices_max = daemon_engine::kChoicesMax;
  hello.sequences_max = daemon_engine::kChoicesMax;
  hello.has_chat_template = tools.chat_template != nullptr;
  return hello;
}

Result<std::vector<daemon_gateway::Submission>> parse(const RecordedRequest& recorded,
                                                      std::string_view body,
                                                      const daemon_ipc::Hello& hello) {
  auto parsed = recorded.chat
                    ? daemon_gateway::parse_chat_request(body, hello, recorded.seed)
                    : daemon_gateway::parse_completion_request(body, hello, recorded.seed);
  if (!parsed.ok()) {
    return base::invalid_input("the body is refused here: " + parsed.error().message);
  }
  return std::move(parsed.value().prompts);
}

Result<GenerationRequest> make(const daemon_gateway::Submission& prompt,
                               const RecordedPrompt& counted,
                               const daemon_engine::PromptTools& tools) {
  RequestBegin begin = prompt.begin;
  // What the context had left was the engine's to say, and its context may have been another.
  begin.tokens_max = counted.tokens_max;
  auto made = daemon_engine::make_request(begin, prompt.body, tools);
  if (const auto* refusal = std::get_if<daemon_engine::Refusal>(&made)) {
    return base::Error{refusal->code, 0, "the engine refuses it here: " + refusal->message};
  }
  auto& request = std::get<GenerationRequest>(made);
  if (request.prompt.size() != counted.tokens) {
    return differs("the prompt", fmt::format("{} tokens", counted.tokens),
                   fmt::format("{}", request.prompt.size()));
  }
  return std::move(request);
}

}  // namespace

Status check_parameters(const Json& parameters, const RequestBegin& begin) {
  const std::vector<Parameter> known = parameters_of(begin);
  for (const Parameter& parameter : known) {
    const Json* const recorded = parameters.find(parameter.name);
    if (recorded == nullptr) {
      return base::denied(fmt::format("{} is not in the record", parameter.name));
    }
    const bool equal =
        std::visit([recorded](const auto& here) { return same(*recorded, here); }, parameter.here);
    if (equal) continue;
    return differs(
        parameter.name, recorded->dump(),
        std::visit([](const auto& here) { return fmt::format("{}", here); }, parameter.here));
  }
  for (const auto& member : parameters.as_object()) {
    const bool is_known = std::any_of(known.begin(), known.end(), [&member](const Parameter& p) {
      return p.name == member.first;
    });
    if (!is_known) return base::denied("the record has a parameter unknown here: " + member.first);
  }
  return {};
}

Result<std::vector<GenerationRequest>> derive_requests(const RecordedRequest& recorded,
                                                       std::string_view body,
                                                       const daemon_engine::PromptTools& tools) {
  auto prompts = TRY(parse(recorded, body, hello_of(recorded, tools)));
  if (prompts.size() != recorded.prompts.size()) {
    return differs("the number of prompts", std::to_string(recorded.prompts.size()),
                   std::to_string(prompts.size()));
  }
  std::vector<GenerationRequest> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    RequestBegin& begin = prompts[i].begin;
    if (begin.seed != recorded.seed) {
      return differs("seed", std::to_string(recorded.seed), std::to_string(begin.seed));
    }
    TRY(check_parameters(recorded.parameters, begin));
    begin.time = recorded.created;
    requests.push_back(TRY(make(prompts[i], recorded.prompts[i], tools)));
  }
  return requests;
}

}  // namespace daemon_replay
