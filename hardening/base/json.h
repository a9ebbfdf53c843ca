// Strict JSON (RFC 8259) as a value: duplicate keys, depth, sizes and number ranges are ours to refuse.
//
// Parsing goes through nlohmann/json's SAX interface, in json.cc alone. Objects keep the order of their
// keys, so that what we write is reproducible.
#ifndef HARDENING_BASE_JSON_H_
#define HARDENING_BASE_JSON_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hardening/base/result.h"

namespace base {

struct JsonLimits {
  std::size_t bytes_max = std::size_t{1} << 20;
  std::size_t depth_max = 32;         // nested arrays and objects
  std::size_t values_max = 1'000'000;  // values of every kind, so that "[[],[],…" cannot multiply its bytes in memory
};

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t) {}                                                // NOLINT: literals read as JSON
  Json(bool value) : value_(value) {}                                    // NOLINT
  Json(int value) : value_(static_cast<std::int64_t>(value)) {}          // NOLINT
  Json(std::int64_t value) : value_(value) {}                            // NOLINT
  Json(std::uint64_t value);                                             // NOLINT
  Json(std::uint32_t value) : value_(static_cast<std::int64_t>(value)) {}  // NOLINT
  Json(double value) : value_(value) {}                                  // NOLINT
  Json(const char* value) : value_(std::string(value)) {}                // NOLINT
  Json(std::string_view value) : value_(std::string(value)) {}           // NOLINT
  Json(std::string value) : value_(std::move(value)) {}                  // NOLINT
  Json(Array value) : value_(std::move(value)) {}                        // NOLINT

  static Json array() { return Json(Array{}); }
  // Keys must be distinct.
  static Json object(std::initializer_list<Member> members = {});

  // Fails with kInvalidInput (malformed, duplicate key, invalid UTF-8, a number outside int64/uint64/double)
  // or kExhausted (a limit); both say at which byte. Nothing is built beyond the limits.
  static Result<Json> parse(std::string_view text, const JsonLimits& limits = {});

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }  // written without '.' or exponent
  bool is_uint() const { return std::holds_alternative<std::uint64_t>(value_); }  // above the range of int64 only
  bool is_double() const { return std::holds_alternative<double>(value_); }
  bool is_number() const { return is_int() || is_uint() || is_double(); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  // "null", "boolean", "integer", "number", "string", "array" or "object": for error messages.
  std::string_view type_name() const;

  // Each requires the matching is_…(); asking for another type is a bug and aborts.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_double() const;  // any number
  const std::string& as_string() const;
  const Array& as_array() const;
  Array& as_array();
  const Object& as_object() const;
  Object& as_object();

  // The member of an object, or null when it has none of that name. Requires is_object().
  const Json* find(std::string_view key) const;
  // Appends a member without looking for an earlier one of the same name. Requires is_object().
  void set(std::string key, Json value);
  void push_back(Json value);  // requires is_array()

  // Compact, keys in their order, non-ASCII as UTF-8. Strings that are not UTF-8 have each bad byte replaced
  // by U+FFFD. Doubles are the shortest text that reads back as the same value; not-finite ones become null.
  std::string dump() const;
  // The same with two-space indentation, for people.
  std::string dump_pretty() const;

  // Deep equality; 1 and 1.0 differ.
  friend bool operator==(const Json& a, const Json& b) { return a.value_ == b.value_; }

 private:
  explicit Json(Object value) : value_(std::move(value)) {}
  void dump_to(std::string& out, int indent, int depth) const;

  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> value_;
};

// Appends a JSON string literal, quotes included.
void append_json_string(std::string& out, std::string_view text);

}  // namespace base

#endif  // HARDENING_BASE_JSON_H_
