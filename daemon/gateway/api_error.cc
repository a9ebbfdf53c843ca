#include "daemon/gateway/api_error.h"

#include <fmt/format.h>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {
namespace {

constexpr std::string_view kInvalidRequest = "invalid_request_error";
constexpr std::string_view kServerError = "server_error";

base::Json or_null(const std::string& text) {
  return text.empty() ? base::Json() : base::Json(text);
}

}  // namespace

ApiError bad_request(std::string message, std::string param, std::string code) {
  return {400, kInvalidRequest, std::move(message), std::move(param), std::move(code)};
}

ApiError bad_value(std::string param, std::string message) {
  message = fmt::format("Invalid value for '{}': {}.", param, message);
  return bad_request(std::move(message), std::move(param), "invalid_value");
}

ApiError unsupported_parameter(std::string param) {
  std::string message = fmt::format("'{}' is not supported by this server.", param);
  return bad_request(std::move(message), std::move(param), "unsupported_parameter");
}

ApiError unknown_parameter(std::string param) {
  std::string message = fmt::format("Unknown parameter: '{}'.", param);
  return bad_request(std::move(message), std::move(param), "unknown_parameter");
}

ApiError unauthorized() {
  return {401,
          kInvalidRequest,
          "No valid API key was given. Send 'Authorization: Bearer <key>'.",
          {},
          "invalid_api_key"};
}

ApiError model_not_found(std::string_view model) {
  return {404, kInvalidRequest, fmt::format("The model '{}' does not exist here.", model), "model",
          "model_not_found"};
}

ApiError not_found() {
  return {404, kInvalidRequest, "There is nothing at this address."};
}

ApiError method_not_allowed(std::string_view allow) {
  ApiError error{405, kInvalidRequest, fmt::format("Only {} is allowed here.", allow)};
  error.allow = allow;
  return error;
}

ApiError too_large(std::size_t bytes_max) {
  return {413, kInvalidRequest,
          fmt::format("The request body is larger than {} bytes.", bytes_max)};
}

ApiError not_ready(std::string_view code, std::string message, std::uint32_t retry_after_s) {
  ApiError error{503, kServerError, std::move(message), {}, std::string(code)};
  error.retry_after_s = retry_after_s;
  return error;
}

ApiError overloaded(std::string message, std::uint32_t retry_after_s) {
  return not_ready("overloaded", std::move(message), retry_after_s);
}

ApiError rate_limited(std::string message, std::uint32_t retry_after_s) {
  ApiError error{429, "requests", std::move(message), {}, "rate_limit_exceeded"};
  error.retry_after_s = retry_after_s;
  return error;
}

// Not one of the 5xx, which clients try again by themselves.
ApiError quarantined() {
  return {422,
          kInvalidRequest,
          "This request ended the engine each time it was worked on. It is not tried again.",
          {},
          "request_quarantined"};
}

ApiError audit_unavailable(std::string_view why) {
  return not_ready("audit_unavailable",
                   fmt::format("The request cannot be recorded: {}; try again.", why),
                   kAuditRetryS);
}

ApiError server_error(std::string message) {
  return {500, kServerError, std::move(message)};
}

ApiError request_timeout(std::string message) {
  return {408, kInvalidRequest, std::move(message)};
}

ApiError http_error(int status, std::string message) {
  return {status, kInvalidRequest, std::move(message)};
}

ApiError refusal(const daemon_ipc::Refused& refused, std::uint32_t retry_after_s) {
  using base::ErrorCode;
  if (refused.api_code == "context_length_exceeded") {
    return bad_request(refused.message, refused.param, refused.api_code);
  }
  switch (refused.code) {
    case ErrorCode::kInvalidInput:
      return bad_request(refused.message, refused.param, refused.api_code);
    case ErrorCode::kUnsupported:
      return bad_request(refused.message, refused.param,
                         refused.api_code.empty() ? "unsupported_value" : refused.api_code);
    case ErrorCode::kNotFound:
      return {404, kInvalidRequest, refused.message, refused.param, refused.api_code};
    case ErrorCode::kDenied:
      return {403, kInvalidRequest, refused.message, refused.param, refused.api_code};
    case ErrorCode::kExhausted:
    case ErrorCode::kUnavailable:
      return overloaded(refused.message, retry_after_s);
    case ErrorCode::kCorrupt:
    case ErrorCode::kCancelled:
    case ErrorCode::kIo:
    case ErrorCode::kDevice:
      break;
  }
  return server_error(refused.message);
}

std::string name_of(const ApiError& error) {
  return error.code.empty() ? std::to_string(error.status) : error.code;
}

base::Json error_json(const ApiError& error) {
  return base::Json::object({{"error", base::Json::object({{"message", error.message},
                                                           {"type", error.type},
                                                           {"param", or_null(error.param)},
                                                           {"code", or_null(error.code)}})}});
}

}  // namespace daemon_gateway
