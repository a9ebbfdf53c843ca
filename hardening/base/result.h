// What a fallible operation returns: a value, or an Error saying why there is none.
//
// Nothing of ours throws. A function that can fail returns Result<T> (or Status, when success carries
// nothing); a function whose absence of a value is normal returns std::optional<T>; a condition that can
// only be false through a bug is a CHECK (hardening/base/check.h).
#ifndef HARDENING_BASE_RESULT_H_
#define HARDENING_BASE_RESULT_H_

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace base {

// Says what the caller can do about the failure. Where it happened is context, not code.
enum class ErrorCode : std::uint8_t {
  kInvalidInput,  // the bytes or arguments we were given are malformed; retrying cannot help
  kCorrupt,       // data we wrote ourselves failed its check
  kNotFound,
  kDenied,        // a signature, policy or privilege check said no
  kExhausted,     // a stated limit was reached (memory, slots, context length)
  kUnavailable,   // try again later
  kCancelled,
  kIo,            // the kernel said no; sys_errno tells why
  kDevice,        // the accelerator said no
  kUnsupported,   // valid, but not implemented here
};

// The lower-case name of a code ("invalid_input"), for logs and JSON.
std::string_view error_code_name(ErrorCode code);

struct [[nodiscard]] Error {
  ErrorCode code;
  int sys_errno = 0;    // 0 unless kIo; with kDevice ETIMEDOUT: no answer, EBADMSG: a wrong one
  std::string message;  // outermost context first: "load model: read header: short file"
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design
  Result() requires std::is_same_v<T, std::monostate> = default;

  bool ok() const { return state_.index() == 0; }

  // Requires ok(). Asking a failure for its value is a bug, so it aborts.
  T& value() & { return get<0>(state_); }
  const T& value() const& { return get<0>(state_); }
  T&& value() && { return std::move(get<0>(state_)); }

  // Requires !ok().
  const Error& error() const& { return get<1>(state_); }
  Error&& error() && { return std::move(get<1>(state_)); }

  // Says what we were doing, so an error explains itself on the way up. Values pass through.
  Result context(std::string_view doing) && {
    if (!ok()) get<1>(state_).message.insert(0, std::string(doing) + ": ");
    return std::move(*this);
  }

 private:
  template <std::size_t I, typename State>
  static auto& get(State& state) {
    auto* alternative = std::get_if<I>(&state);
    if (alternative == nullptr) std::abort();
    return *alternative;
  }

  std::variant<T, Error> state_;
};

using Status = Result<std::monostate>;  // success carries nothing

// The usual ways to make an Error, so that call sites read as sentences.
inline Error invalid_input(std::string message) { return {ErrorCode::kInvalidInput, 0, std::move(message)}; }
inline Error corrupt(std::string message) { return {ErrorCode::kCorrupt, 0, std::move(message)}; }
inline Error not_found(std::string message) { return {ErrorCode::kNotFound, 0, std::move(message)}; }
inline Error denied(std::string message) { return {ErrorCode::kDenied, 0, std::move(message)}; }
inline Error exhausted(std::string message) { return {ErrorCode::kExhausted, 0, std::move(message)}; }
inline Error unavailable(std::string message) { return {ErrorCode::kUnavailable, 0, std::move(message)}; }
inline Error cancelled(std::string message) { return {ErrorCode::kCancelled, 0, std::move(message)}; }
inline Error unsupported(std::string message) { return {ErrorCode::kUnsupported, 0, std::move(message)}; }
// Appends the text of `sys_errno` to the message.
Error io_error(int sys_errno, std::string_view doing);

}  // namespace base

// TRY(expr) is the value of a Result, or returns its Error to our caller. Not inside the braces of an initializer, behind an
// element that owns something: g++ 12 does not destroy that element when this returns.
#define TRY(expr) BASE_TRY_(expr, BASE_CONCAT_(try_result_, __COUNTER__))
#define BASE_TRY_(expr, result)                         \
  __extension__({                                       \
    auto result = (expr);                               \
    if (!result.ok()) return std::move(result).error(); \
    std::move(result).value();                          \
  })
#define BASE_CONCAT_(a, b) BASE_CONCAT_INNER_(a, b)
#define BASE_CONCAT_INNER_(a, b) a##b

#endif  // HARDENING_BASE_RESULT_H_
