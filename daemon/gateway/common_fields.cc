#include "daemon/gateway/common_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

using base::Json;
using daemon_ipc::Hello;
using daemon_ipc::RequestBegin;

constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();

ApiStatus check_stop_string(const Json& text, const std::string& param) {
  if (!text.is_string()) return wrong_type(param, "a string", text);
  const std::size_t bytes = text.as_string().size();
  if (bytes > 0 && bytes <= kStopStringBytesMax) return {};
  return bad_value(param, fmt::format("a stop string has 1 to {} bytes", kStopStringBytesMax));
}

ApiStatus read_stop(RequestFields& fields, Json& out_body) {
  const Json* const stop = fields.member("stop");
  if (stop == nullptr) return {};
  if (stop->is_string()) {
    TRY(check_stop_string(*stop, "stop"));
    out_body.set("stop", Json(Json::Array{*stop}));
    return {};
  }
  if (!stop->is_array()) return wrong_type("stop", "a string or an array of strings", *stop);
  if (stop->as_array().size() > kStopStringsMax) {
    return bad_value("stop", fmt::format("at most {} stop strings are allowed", kStopStringsMax));
  }
  for (const Json& text : stop->as_array()) TRY(check_stop_string(text, "stop"));
  if (!stop->as_array().empty()) out_body.set("stop", *stop);
  return {};
}

ApiStatus read_stop_tokens(RequestFields& fields, const Hello& model, Json& out_body) {
  const Json* const tokens = fields.member("stop_token_ids");
  if (tokens == nullptr) return {};
  if (!tokens->is_array()) return wrong_type("stop_token_ids", "an array of integers", *tokens);
  if (tokens->as_array().size() > kStopTokensMax) {
    return bad_value("stop_token_ids",
                     fmt::format("at most {} tokens are allowed", kStopTokensMax));
  }
  for (const Json& token : tokens->as_array()) {
    if (!token.is_int()) return wrong_type("stop_token_ids", "an array of integers", token);
    if (token.as_int() < 0 || token.as_int() >= model.vocabulary) {
      return bad_value("stop_token_ids",
                       fmt::format("the model's tokens are 0 to {}", model.vocabulary - 1));
    }
  }
  if (!tokens->as_array().empty()) out_body.set("stop_token_ids", *tokens);
  return {};
}

// Decimal digits without leading zeros, so that no two keys mean one token.
std::optional<std::uint32_t> parse_token_key(std::string_view key) {
  std::uint32_t token = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  if (key.size() > 1 && key.front() == '0') return std::nullopt;
  return token;
}

ApiStatus read_logit_bias(RequestFields& fields, const Hello& model, Json& out_body) {
  const Json* const bias = fields.member("logit_bias");
  if (bias == nullptr) return {};
  if (!bias->is_object()) return wrong_type("logit_bias", "an object", *bias);
  if (bias->as_object().size() > kLogitBiasMax) {
    return bad_value("logit_bias", fmt::format("at most {} tokens are allowed", kLogitBiasMax));
  }
  Json pairs = Json::array();
  for (const auto& [key, value] : bias->as_object()) {
    const auto token = parse_token_key(key);
    if (!token || *token >= model.vocabulary) {
      return bad_value("logit_bias",
                       fmt::format("each key is a token id, 0 to {}", model.vocabulary - 1));
    }
    if (!value.is_number()) return wrong_type("logit_bias", "numbers", value);
    const double number = value.as_double();
    if (!(number >= -100 && number <= 100))
      return bad_value("logit_bias", "each value is between -100 and 100");
    pairs.push_back(Json(Json::Array{Json(*token), Json(number)}));
  }
  if (!pairs.as_array().empty()) out_body.set("logit_bias", std::move(pairs));
  return {};
}

ApiStatus read_stream_options(RequestFields& fields, ApiRequest& out_request) {
  const Json* const options = fields.member("stream_options");
  if (options == nullptr) return {};
  if (!out_request.stream)
    return bad_value("stream_options", "is only allowed when 'stream' is true");
  if (!options->is_object()) return wrong_type("stream_options", "an object", *options);
  RequestFields members(*options, "stream_options.");
  out_request.include_usage = TRY(members.boolean("include_usage", false));
  TRY(members.refuse("include_obfuscation", Json(false)));
  return members.refuse_unknown();
}

// Labels of the client's own (OpenAI's bounds). One of them is kept: the tag goes into the audit
// log's records, where usage is told by it.
ApiStatus read_metadata(RequestFields& fields, ApiRequest& out_request) {
  const Json* const metadata = fields.member("metadata");
  if (metadata == nullptr) return {};
  if (!metadata->is_object()) return wrong_type("metadata", "an object", *metadata);
  if (metadata->as_object().size() > kMetadataPairsMax) {
    return bad_value("metadata", fmt::format("at most {} pairs are allowed", kMetadataPairsMax));
  }
  for (const auto& [key, value] : metadata->as_object()) {
    if (key.size() > kMetadataKeyBytesMax) {
      return bad_value("metadata", fmt::format("a key has at most {} bytes", kMetadataKeyBytesMax));
    }
    if (!value.is_string()) return wrong_type("metadata", "strings", value);
    if (value.as_string().size() > kMetadataValueBytesMax) {
      return bad_value("metadata",
                       fmt::format("a value has at most {} bytes", kMetadataValueBytesMax));
    }
  }
  RequestFields members(*metadata, "metadata.");
  out_request.tag = TRY(members.text("tag", kTagBytesMax)).value_or("");
  return {};
}

ApiStatus read_response_format(RequestFields& fields) {
  const Json* const format = fields.member("response_format");
  if (format == nullptr) return {};
  if (!format->is_object()) return wrong_type("response_format", "an object", *format);
  RequestFields members(*format, "response_format.");
  const Json* const type = members.member("type");
  if (type == nullptr || !type->is_string()) {
    return bad_request("'response_format.type' is required.", "response_format.type",
                       "missing_required_parameter");
  }
  if (type->as_string() != "text") {
    return bad_request("Only the response format 'text' is supported by this server.",
                       "response_format", "unsupported_value");
  }
  return members.refuse_unknown();
}

}  // namespace

ApiResult<Json> parse_body(std::string_view body) {
  auto json = Json::parse(
      body, {.bytes_max = body.size(), .depth_max = kJsonDepthMax, .values_max = kJsonValuesMax});
  if (!json.ok()) {
    return bad_request("The request body is not valid JSON: " + json.error().message, {},
                       "invalid_json");
  }
  if (!json.value().is_object())
    return bad_request("The request body is not a JSON object.", {}, "invalid_json");
  return std::move(json).value();
}

ApiStatus check_model(RequestFields& fields, const Hello& model) {
  const Json* const name = fields.member("model");
  if (name == nullptr)
    return bad_request("'model' is required.", "model", "missing_required_parameter");
  if (!name->is_string()) return wrong_type("model", "a string", *name);
  if (name->as_string() == model.model_id) return {};
  return model_not_found(name->as_string().size() <= daemon_ipc::kModelIdBytesMax
                             ? name->as_string()
                             : "(a very long name)");
}

ApiStatus read_sampling(RequestFields& fields, std::uint64_t seed_if_absent,
                        RequestBegin& out_begin) {
  out_begin.temperature = TRY(fields.number("temperature", 1, {.min = 0, .max = 2}));
  out_begin.top_p = TRY(fields.number("top_p", 1, {.min = 0, .max = 1, .above_min = true}));
  out_begin.min_p = TRY(fields.number("min_p", 0, {.min = 0, .max = 1}));
  out_begin.repetition_penalty =
      TRY(fields.number("repetition_penalty", 1, {.min = 0, .max = 2, .above_min = true}));
  out_begin.presence_penalty = TRY(fields.number("presence_penalty", 0, {.min = -2, .max = 2}));
  out_begin.frequency_penalty = TRY(fields.number("frequency_penalty", 0, {.min = -2, .max = 2}));
  // -1 is how vLLM's clients say "off".
  const auto top_k =
      TRY(fields.integer("top_k", {.min = -1, .max = std::numeric_limits<std::int32_t>::max()}))
          .value_or(0);
  out_begin.top_k = static_cast<std::int32_t>(std::max<std::int64_t>(top_k, 0));
  const auto seed = TRY(fields.integer("seed", {.min = kInt64Min, .max = kInt64Max}));
  out_begin.seed = seed ? static_cast<std::uint64_t>(*seed) : seed_if_absent;
  return {};
}

ApiStatus read_generation(RequestFields& fields, const Hello& model, RequestBegin& out_begin) {
  out_begin.choices = TRY(fields.count("n", 1, {.min = 1, .max = model.choices_max}));
  TRY(fields.count("best_of", 1, {.min = 1, .max = 1}));
  const std::uint32_t tokens_min_max =
      out_begin.tokens_max > 0 ? out_begin.tokens_max : model.context_tokens;
  out_begin.tokens_min = TRY(fields.count("min_tokens", 0, {.min = 0, .max = tokens_min_max}));
  out_begin.ignore_end_tokens = TRY(fields.boolean("ignore_eos", false));
  out_begin.include_stop_text = TRY(fields.boolean("include_stop_str_in_output", false));
  return {};
}

ApiStatus read_stopping(RequestFields& fields, const Hello& model, Json& out_body) {
  TRY(read_stop(fields, out_body));
  TRY(read_stop_tokens(fields, model, out_body));
  return read_logit_bias(fields, model, out_body);
}

ApiStatus read_delivery(RequestFields& fields, ApiRequest& out_request) {
  out_request.stream = TRY(fields.boolean("stream", false));
  TRY(read_stream_options(fields, out_request));
  out_request.user = TRY(fields.text("user", kUserBytesMax)).value_or("");
  TRY(read_metadata(fields, out_request));
  TRY(read_response_format(fields));
  TRY(fields.refuse("tools", Json::array()));
  TRY(fields.refuse("tool_choice", "none"));
  TRY(fields.refuse("functions", Json::array()));
  TRY(fields.refuse("function_call", "none"));
  TRY(fields.refuse("store", false));
  TRY(fields.refuse("service_tier", "auto"));
  for (const std::string_view name : {"parallel_tool_calls",
                                      "modalities",
                                      "audio",
                                      "prediction",
                                      "reasoning_effort",
                                      "verbosity",
                                      "web_search_options",
                                      "safety_identifier",
                                      "prompt_cache_key",
                                      "prompt_cache_retention",
                                      "chat_template",
                                      "chat_template_kwargs",
                                      "cache_salt",
                                      "priority",
                                      "prompt_logprobs",
                                      "structured_outputs",
                                      "guided_json",
                                      "guided_regex",
                                      "guided_choice",
                                      "guided_grammar",
                                      "use_beam_search",
                                      "length_penalty",
                                      "bad_words",
                                      "allowed_token_ids",
                                      "truncate_prompt_tokens",
                                      "skip_special_tokens",
                                      "spaces_between_special_tokens",
                                      "return_token_ids",
                                      "request_id"}) {
    TRY(fields.refuse(name));
  }
  return {};
}

}  // namespace daemon_gateway
