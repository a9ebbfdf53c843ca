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

ApiError overloaded(std::string message) {
  ApiError error{503, kServerError, std::move(message)};
  error.retry_after_s = kRetryAfterSeconds;
  return error;
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

ApiError refusal(const daemon_ipc::Refused& refused) {
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
    case ErrorCode::kUnavailable: {
      ApiError error = overloaded(refused.message);
      error.code = refused.api_code;
      return error;
    }
    case ErrorCode::kCorrupt:
    case ErrorCode::kCancelled:
    case ErrorCode::kIo:
    case ErrorCode::kDevice:
      break;
  }
  return server_error(refused.message);
}

base::Json error_json(const ApiError& error) {
  return base::Json::object({{"error", base::Json::object({{"message", error.message},
                                                           {"type", error.type},
                                                           {"param", or_null(error.param)},
                                                           {"code", or_null(error.code)}})}});
}

}  // namespace daemon_gateway
