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

// Parts of one message are joined by a line feed, as other servers do for text-only templates.
ApiResult<std::string> join_parts(const Json::Array& parts, const std::string& param) {
  if (parts.empty() || parts.size() > kContentPartsMax) {
    return bad_value(param, fmt::format("must have 1 to {} parts", kContentPartsMax));
  }
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", param, i);
    if (!parts[i].is_object()) return wrong_type(path, "an object", parts[i]);
    RequestFields fields(parts[i], path + ".");
    const Json* const type = fields.member("type");
    if (type == nullptr || !type->is_string()) {
      return bad_request(fmt::format("'{}.type' is required.", path), path + ".type",
                         "missing_required_parameter");
    }
    if (type->as_string() != "text") {
      return bad_request("Only content parts of type 'text' are supported by this server.",
                         path + ".type", "unsupported_value");
    }
    const Json* const part = fields.member("text");
    if (part == nullptr) {
      return bad_request(fmt::format("'{}.text' is required.", path), path + ".text",
                         "missing_required_parameter");
    }
    if (!part->is_string()) return wrong_type(path + ".text", "a string", *part);
    TRY(fields.refuse_unknown());
    if (i > 0) text += '\n';
    text += part->as_string();
  }
  return text;
}

ApiResult<std::string> read_content(RequestFields& fields) {
  const Json* const content = fields.member("content");
  const std::string param = fields.path_of("content");
  if (content == nullptr) {
    return bad_request(fmt::format("'{}' is required.", param), param,
                       "missing_required_parameter");
  }
  if (content->is_string()) return content->as_string();
  if (content->is_array()) return join_parts(content->as_array(), param);
  return wrong_type(param, "a string or an array of parts", *content);
}

// "developer" is OpenAI's newer name for "system"; templates know the older one.
ApiResult<std::string> read_role(RequestFields& fields) {
  const Json* const role = fields.member("role");
  const std::string param = fields.path_of("role");
  if (role == nullptr) {
    return bad_request(fmt::format("'{}' is required.", param), param,
                       "missing_required_parameter");
  }
  if (!role->is_string()) return wrong_type(param, "a string", *role);
  const std::string& name = role->as_string();
  if (name == "developer") return std::string("system");
  if (name == "system" || name == "user" || name == "assistant" || name == "tool") return name;
  return bad_value(param, "must be one of system, developer, user, assistant, tool");
}

ApiResult<Json> read_message(const Json& message, std::size_t index) {
  const std::string path = fmt::format("messages[{}]", index);
  if (!message.is_object()) return wrong_type(path, "an object", message);
  RequestFields fields(message, path + ".");
  const std::string role = TRY(read_role(fields));
  Json out = Json::object({{"role", role}});
  if (role == "assistant") {
    // What the client library gives back when an answer is appended to the conversation as it came.
    TRY(fields.refuse("tool_calls", Json::array()));
    TRY(fields.refuse("annotations", Json::array()));
    for (const std::string_view name : {"refusal", "audio", "function_call"})
      TRY(fields.refuse(name));
  }
  out.set("content", TRY(read_content(fields)));
  if (const auto name = TRY(fields.text("name", kNameBytesMax))) out.set("name", *name);
  if (role == "tool") {
    if (const auto id = TRY(fields.text("tool_call_id", kNameBytesMax)))
      out.set("tool_call_id", *id);
  }
  TRY(fields.refuse_unknown());
  return out;
}

ApiResult<Json> read_messages(RequestFields& fields) {
  const Json* const messages = fields.member("messages");
  if (messages == nullptr) {
    return bad_request("'messages' is required.", "messages", "missing_required_parameter");
  }
  if (!messages->is_array()) return wrong_type("messages", "an array", *messages);
  const std::size_t count = messages->as_array().size();
  if (count == 0 || count > kMessagesMax) {
    return bad_value("messages", fmt::format("must have 1 to {} messages", kMessagesMax));
  }
  Json out = Json::array();
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(TRY(read_message(messages->as_array()[i], i)));
  return out;
}

// Both names mean the same; when both are given they must agree.
ApiResult<std::uint32_t> read_tokens_max(RequestFields& fields, const Hello& model) {
  const RequestFields::IntegerRange range{.min = 1, .max = model.context_tokens};
  const auto old_name = TRY(fields.integer("max_tokens", range));
  const auto new_name = TRY(fields.integer("max_completion_tokens", range));
  if (old_name && new_name && *old_name != *new_name) {
    return bad_value("max_tokens", "differs from 'max_completion_tokens'");
  }
  const auto value = new_name ? new_name : old_name;
  return value ? static_cast<std::uint32_t>(*value) : 0;
}

ApiStatus read_logprobs(RequestFields& fields, RequestBegin& out_begin) {
  out_begin.logprobs = TRY(fields.boolean("logprobs", false));
  out_begin.top_logprobs = TRY(fields.count("top_logprobs", 0, {.min = 0, .max = kTopLogprobsMax}));
  if (out_begin.top_logprobs > 0 && !out_begin.logprobs) {
    return bad_value("top_logprobs", "is only allowed when 'logprobs' is true");
  }
  return {};
}

ApiStatus read_template_switches(RequestFields& fields, const Json& messages,
                                 RequestBegin& out_begin) {
  out_begin.continue_final_message = TRY(fields.boolean("continue_final_message", false));
  out_begin.add_generation_prompt =
      TRY(fields.boolean("add_generation_prompt", !out_begin.continue_final_message));
  if (!out_begin.continue_final_message) return {};
  if (out_begin.add_generation_prompt) {
    return bad_value("continue_final_message", "excludes 'add_generation_prompt'");
  }
  if (messages.as_array().back().find("role")->as_string() == "assistant") return {};
  return bad_value("continue_final_message", "needs a last message of role 'assistant'");
}

}  // namespace

ApiResult<ApiRequest> parse_chat_request(std::string_view body, const Hello& model,
                                         std::uint64_t seed_if_absent) {
  const Json json = TRY(parse_body(body));
  RequestFields fields(json, "");
  TRY(check_model(fields, model));
  ApiRequest request;
  RequestBegin begin;
  begin.kind = daemon_ipc::RequestKind::kChat;
  Json messages = TRY(read_messages(fields));
  begin.tokens_max = TRY(read_tokens_max(fields, model));
  TRY(read_sampling(fields, seed_if_absent, begin));
  TRY(read_generation(fields, model, begin));
  TRY(read_logprobs(fields, begin));
  TRY(read_template_switches(fields, messages, begin));
  Json engine_body = Json::object();
  engine_body.set("messages", std::move(messages));
  TRY(read_stopping(fields, model, engine_body));
  TRY(read_delivery(fields, request));
  TRY(fields.refuse_unknown());
  if (!model.has_chat_template) {
    return bad_request("The model has no chat template: use /v1/completions.", "messages",
                       "unsupported_value");
  }
  request.choices = begin.choices;
  request.logprobs = begin.logprobs;
  request.prompts.push_back({begin, engine_body.dump()});
  return request;
}

}  // namespace daemon_gateway
