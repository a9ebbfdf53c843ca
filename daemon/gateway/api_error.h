// What a client is told when it gets no answer: the OpenAI error body and its HTTP status.
#ifndef DAEMON_GATEWAY_API_ERROR_H_
#define DAEMON_GATEWAY_API_ERROR_H_

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "daemon/ipc/messages.h"
#include "hardening/base/json.h"

namespace daemon_gateway {

struct [[nodiscard]] ApiError {
  int status = 500;
  std::string_view type = "server_error";  // a literal
  std::string message;
  std::string param = {};           // the request field at fault; empty: null
  std::string code = {};            // empty: null
  std::uint32_t retry_after_s = 0;  // 0: no Retry-After
  std::string_view allow = {};      // with 405, a literal
};

// A value or the ApiError that takes its place; TRY works on it as on base::Result.
template <typename T>
class [[nodiscard]] ApiResult {
 public:
  ApiResult(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  ApiResult(ApiError error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design
  ApiResult() requires std::is_same_v<T, std::monostate>
  = default;

  bool ok() const { return state_.index() == 0; }
  T& value() & { return get<0>(state_); }
  T&& value() && { return std::move(get<0>(state_)); }
  const ApiError& error() const& { return get<1>(state_); }
  ApiError&& error() && { return std::move(get<1>(state_)); }

 private:
  template <std::size_t I, typename State>
  static auto& get(State& state) {
    auto* alternative = std::get_if<I>(&state);
    if (alternative == nullptr) std::abort();
    return *alternative;
  }

  std::variant<T, ApiError> state_;
};

using ApiStatus = ApiResult<std::monostate>;

// The rows of the error table, so that call sites read as sentences.
ApiError bad_request(std::string message, std::string param = {}, std::string code = {});
ApiError bad_value(std::string param, std::string message);  // code invalid_value
ApiError unsupported_parameter(std::string param);
ApiError unknown_parameter(std::string param);
ApiError unauthorized();
ApiError model_not_found(std::string_view model);
ApiError not_found();
ApiError method_not_allowed(std::string_view allow);
ApiError too_large(std::size_t bytes_max);
// 503 and 429 with Retry-After.
ApiError overloaded(std::string message, std::uint32_t retry_after_s);
ApiError rate_limited(std::string message, std::uint32_t retry_after_s);
ApiError not_ready(std::string_view code, std::string message, std::uint32_t retry_after_s);  // 503
ApiError quarantined();  // 422: it has killed engines
// 503: nobody is answered whose request cannot be recorded.
ApiError audit_unavailable(std::string_view why);
ApiError server_error(std::string message);
ApiError request_timeout(std::string message);         // 408
ApiError http_error(int status, std::string message);  // a malformed message; no code

// The engine's answer to a request it does not take; `retry_after_s` where it may come again.
ApiError refusal(const daemon_ipc::Refused& refused, std::uint32_t retry_after_s);

// What logs and records call it: the code, else the status.
std::string name_of(const ApiError& error);

// {"error":{"message":…,"type":…,"param":…,"code":…}}
base::Json error_json(const ApiError& error);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_API_ERROR_H_
