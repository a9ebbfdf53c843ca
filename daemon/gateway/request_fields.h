// The members of one JSON object of a request, each asked for by name with its type and range. What
// was never asked for is refused at the end: nothing a client writes is silently ignored.
#ifndef DAEMON_GATEWAY_REQUEST_FIELDS_H_
#define DAEMON_GATEWAY_REQUEST_FIELDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/gateway/api_error.h"
#include "hardening/base/json.h"

namespace daemon_gateway {

// Borrows the object. null is as good as absent, as in OpenAI's own schema.
class RequestFields {
 public:
  // `path` names the object in errors: "" for the body, "messages[2]." for a message.
  RequestFields(const base::Json& object, std::string path)
      : object_(object), path_(std::move(path)) {}

  std::string path_of(std::string_view name) const { return path_ + std::string(name); }

  // The member, or null when absent.
  const base::Json* member(std::string_view name);

  ApiResult<bool> boolean(std::string_view name, bool absent);

  struct IntegerRange {
    std::int64_t min;
    std::int64_t max;
  };
  ApiResult<std::optional<std::int64_t>> integer(std::string_view name, IntegerRange range);
  // The same within 32 bits and with a value for its absence.
  ApiResult<std::uint32_t> count(std::string_view name, std::uint32_t absent, IntegerRange range);

  struct NumberRange {
    double min;
    double max;
    bool above_min = false;  // min itself is outside
  };
  ApiResult<float> number(std::string_view name, float absent, NumberRange range);

  // A string of at most `bytes_max` bytes.
  ApiResult<std::optional<std::string>> text(std::string_view name, std::size_t bytes_max);

  // Refuses a member whatever its value, unless it is absent, null, or equal to `harmless`.
  ApiStatus refuse(std::string_view name, const base::Json& harmless = {});

  // Refuses the first member nobody asked for.
  ApiStatus refuse_unknown() const;

 private:
  const base::Json& object_;
  std::string path_;
  std::vector<std::string_view> known_;  // literals
};

// For errors: "Invalid type for 'n': expected an integer, got string."
ApiError wrong_type(std::string param, std::string_view expected, const base::Json& got);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_REQUEST_FIELDS_H_
