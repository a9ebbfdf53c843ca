#include "daemon/gateway/request_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace daemon_gateway {

using base::Json;

ApiError wrong_type(std::string param, std::string_view expected, const Json& got) {
  std::string message =
      fmt::format("Invalid type for '{}': expected {}, got {}.", param, expected, got.type_name());
  return bad_request(std::move(message), std::move(param), "invalid_type");
}

const Json* RequestFields::member(std::string_view name) {
  known_.push_back(name);
  const Json* const value = object_.find(name);
  return value != nullptr && value->is_null() ? nullptr : value;
}

ApiResult<bool> RequestFields::boolean(std::string_view name, bool absent) {
  const Json* const value = member(name);
  if (value == nullptr) return absent;
  if (!value->is_bool()) return wrong_type(path_of(name), "a boolean", *value);
  return value->as_bool();
}

ApiResult<std::optional<std::int64_t>> RequestFields::integer(std::string_view name,
                                                              IntegerRange range) {
  const Json* const value = member(name);
  if (value == nullptr) return std::optional<std::int64_t>();
  if (value->is_int() && value->as_int() >= range.min && value->as_int() <= range.max) {
    return std::optional<std::int64_t>(value->as_int());
  }
  if (!value->is_int() && !value->is_uint()) return wrong_type(path_of(name), "an integer", *value);
  return bad_value(path_of(name), fmt::format("must be between {} and {}", range.min, range.max));
}

ApiResult<std::uint32_t> RequestFields::count(std::string_view name, std::uint32_t absent,
                                              IntegerRange range) {
  const auto value = TRY(integer(name, range));
  return value ? static_cast<std::uint32_t>(*value) : absent;
}

ApiResult<float> RequestFields::number(std::string_view name, float absent, NumberRange range) {
  const Json* const value = member(name);
  if (value == nullptr) return absent;
  if (!value->is_number()) return wrong_type(path_of(name), "a number", *value);
  const double number = value->as_double();
  const bool inside =
      number >= range.min && number <= range.max && !(range.above_min && number == range.min);
  if (inside) {
    // A number just above an excluded zero may round to it.
    return range.above_min ? std::max(static_cast<float>(number), std::numeric_limits<float>::min())
                           : static_cast<float>(number);
  }
  return bad_value(path_of(name), fmt::format("must be {} {} and at most {}",
                                              range.above_min ? "greater than" : "at least",
                                              range.min, range.max));
}

ApiResult<std::optional<std::string>> RequestFields::text(std::string_view name,
                                                          std::size_t bytes_max) {
  const Json* const value = member(name);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return wrong_type(path_of(name), "a string", *value);
  if (value->as_string().size() > bytes_max) {
    return bad_value(path_of(name), fmt::format("is longer than {} bytes", bytes_max));
  }
  return std::optional<std::string>(value->as_string());
}

ApiStatus RequestFields::refuse(std::string_view name, const Json& harmless) {
  const Json* const value = member(name);
  if (value == nullptr || (!harmless.is_null() && *value == harmless)) return {};
  return unsupported_parameter(path_of(name));
}

ApiStatus RequestFields::refuse_unknown() const {
  for (const auto& [name, value] : object_.as_object()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    constexpr std::size_t kShown = 64;  // of a name that is the client's
    return unknown_parameter(path_of(name.size() <= kShown ? name : "(a very long name)"));
  }
  return {};
}

}  // namespace daemon_gateway
