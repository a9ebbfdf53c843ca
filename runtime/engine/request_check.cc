#include "runtime/engine/request_check.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <unordered_set>

#include "hardening/base/utf8.h"
#include "runtime/engine/limits.h"

namespace runtime {
namespace {

using base::exhausted;
using base::invalid_input;
using base::Status;

// NaN is in no range.
Status check_range(std::string_view name, float value, float min, float max) {
  if (value >= min && value <= max) return {};
  return invalid_input(fmt::format("{} is {}, allowed is {} to {}", name, value, min, max));
}

Status check_count(std::string_view name, std::size_t value, std::size_t min, std::size_t max) {
  if (value >= min && value <= max) return {};
  return invalid_input(fmt::format("{} is {}, allowed is {} to {}", name, value, min, max));
}

Status check_token(std::string_view name, TokenId token, std::size_t vocabulary) {
  if (token >= 0 && static_cast<std::size_t>(token) < vocabulary) return {};
  return invalid_input(
      fmt::format("{} has token {}, the vocabulary has {} tokens", name, token, vocabulary));
}

Status check_tokens(std::string_view name, const std::vector<TokenId>& tokens,
                    std::size_t vocabulary) {
  for (const TokenId token : tokens) TRY(check_token(name, token, vocabulary));
  return {};
}

Status check_logit_bias(const SamplingParams& params, std::size_t vocabulary) {
  TRY(check_count("the size of logit_bias", params.logit_bias.size(), 0, limits::kLogitBiasMax));
  std::unordered_set<TokenId> seen;
  for (const auto& [token, bias] : params.logit_bias) {
    TRY(check_token("logit_bias", token, vocabulary));
    TRY(check_range("logit_bias", bias, -limits::kLogitBiasAbsMax, limits::kLogitBiasAbsMax));
    if (!seen.insert(token).second) {
      return invalid_input(fmt::format("logit_bias has token {} twice", token));
    }
  }
  return {};
}

Status check_sampling(const SamplingParams& params, std::size_t vocabulary) {
  TRY(check_range("temperature", params.temperature, 0, limits::kTemperatureMax));
  if (params.top_k < 0) return invalid_input(fmt::format("top_k is {}", params.top_k));
  TRY(check_range("top_p", params.top_p, 0, 1));
  TRY(check_range("min_p", params.min_p, 0, 1));
  TRY(check_range("repetition_penalty", params.repetition_penalty, limits::kRepetitionPenaltyMin,
                  limits::kRepetitionPenaltyMax));
  constexpr float kPenaltyMax = limits::kAdditivePenaltyAbsMax;
  TRY(check_range("presence_penalty", params.presence_penalty, -kPenaltyMax, kPenaltyMax));
  TRY(check_range("frequency_penalty", params.frequency_penalty, -kPenaltyMax, kPenaltyMax));
  return check_logit_bias(params, vocabulary);
}

Status check_stops(const GenerationRequest& request, std::size_t vocabulary) {
  TRY(check_count("the number of stop strings", request.stop.size(), 0, limits::kStopStringsMax));
  std::size_t bytes = 0;
  for (const std::string& stop : request.stop) {
    if (stop.empty()) return invalid_input("a stop string is empty");
    if (!base::is_utf8(stop)) return invalid_input("a stop string is not UTF-8");
    bytes += stop.size();
  }
  TRY(check_count("the length of all stop strings", bytes, 0, limits::kStopBytesMax));
  TRY(check_count("the number of stop tokens", request.stop_tokens.size(), 0,
                  limits::kStopTokensMax));
  return check_tokens("stop_tokens", request.stop_tokens, vocabulary);
}

Status check_resume(const GenerationRequest& request, std::size_t vocabulary) {
  if (request.resume.empty()) return {};
  TRY(check_count("the number of resumed choices", request.resume.size(), request.choices,
                  request.choices));
  for (const std::vector<TokenId>& tokens : request.resume) {
    TRY(check_count("the number of resumed tokens", tokens.size(), 0, request.tokens_max));
    TRY(check_tokens("resume", tokens, vocabulary));
  }
  return {};
}

// Whether the longest possible sequence has a place when it is alone.
Status check_fit(const GenerationRequest& request, const RequestBounds& bounds) {
  const std::size_t prompt = request.prompt.size();
  const std::size_t total = prompt + request.tokens_max;
  if (prompt > bounds.context_tokens_max || total > bounds.context_tokens_max) {
    return exhausted(fmt::format(
        "{} prompt tokens and up to {} new ones need a context of {} tokens, this one has {}",
        prompt, request.tokens_max, total, bounds.context_tokens_max));
  }
  // The last token is never fed back.
  const std::size_t blocks = (total - 1 + bounds.block_tokens - 1) / bounds.block_tokens;
  if (blocks <= bounds.blocks) return {};
  return exhausted(fmt::format(
      "{} prompt tokens and up to {} new ones need {} KV blocks of {} tokens, there are {}", prompt,
      request.tokens_max, blocks, bounds.block_tokens, bounds.blocks));
}

}  // namespace

Status check_request(const GenerationRequest& request, const RequestBounds& bounds) {
  if (request.prompt.empty()) return invalid_input("the prompt has no tokens");
  if (request.tokens_max == 0) return invalid_input("tokens_max is 0");
  TRY(check_count("choices", request.choices, 1, limits::kChoicesMax));
  TRY(check_count("top_logprobs", request.top_logprobs, 0, limits::kTopLogprobsMax));
  TRY(check_count("echo_from", request.echo_from, 0, request.prompt.size()));
  TRY(check_fit(request, bounds));
  TRY(check_tokens("the prompt", request.prompt, bounds.vocabulary));
  TRY(check_stops(request, bounds.vocabulary));
  TRY(check_sampling(request.sampling, bounds.vocabulary));
  return check_resume(request, bounds.vocabulary);
}

}  // namespace runtime
