#include "hardening/base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "hardening/base/check.h"
#include "hardening/base/utf8.h"

namespace base {
namespace {

// Receives nlohmann's events and builds our value. Returning false stops the parse; error_ says why.
class Builder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() { return add(Json()); }
  bool boolean(bool value) { return add(Json(value)); }
  bool number_integer(number_integer_t value) { return add(Json(static_cast<std::int64_t>(value))); }
  bool number_unsigned(number_unsigned_t value) { return add(Json(static_cast<std::uint64_t>(value))); }
  bool number_float(number_float_t value, const string_t&) {
    if (!std::isfinite(value)) return fail(invalid_input("a number is out of range"));
    return add(Json(value));
  }
  bool string(string_t& value) { return add(Json(std::move(value))); }
  bool binary(binary_t&) { return fail(invalid_input("binary value")); }

  bool start_object(std::size_t) { return open(Json::object()); }
  bool key(string_t& name) {
    auto& keys = containers_.back().keys;
    if (!keys.insert(name).second) {
      return fail(invalid_input(fmt::format("duplicate key \"{}\"", printable(name))));
    }
    containers_.back().pending_key = std::move(name);
    return true;
  }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_array() { return close(); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    return fail(invalid_input(fmt::format("malformed JSON at byte {}", position)));
  }

  Result<Json> take(bool parsed) && {
    if (error_.code != ErrorCode::kCancelled) return std::move(error_);
    if (!parsed) return invalid_input("malformed JSON");
    return std::move(root_);
  }

 private:
  struct Container {
    Json value;
    std::string pending_key;
    std::unordered_set<std::string> keys;
  };

  static std::string printable(std::string_view text) {
    constexpr std::size_t kShownBytes = 64;
    std::string shown;
    for (const char c : text.substr(0, kShownBytes)) shown.push_back(c >= ' ' && c <= '~' ? c : '?');
    return shown;
  }

  bool fail(Error error) {
    if (error_.code == ErrorCode::kCancelled) error_ = std::move(error);
    return false;
  }

  bool count_value() {
    if (++values_ > limits_.values_max) {
      return fail(exhausted(fmt::format("more than {} JSON values", limits_.values_max)));
    }
    return true;
  }

  bool add(Json value) { return count_value() && attach(std::move(value)); }

  bool attach(Json value) {
    if (containers_.empty()) {
      root_ = std::move(value);
    } else if (Container& top = containers_.back(); top.value.is_array()) {
      top.value.push_back(std::move(value));
    } else {
      top.value.set(std::move(top.pending_key), std::move(value));
    }
    return true;
  }

  bool open(Json container) {
    if (!count_value()) return false;
    if (containers_.size() >= limits_.depth_max) {
      return fail(exhausted(fmt::format("JSON nested deeper than {}", limits_.depth_max)));
    }
    containers_.push_back({std::move(container), {}, {}});
    return true;
  }

  bool close() {
    Json done = std::move(containers_.back().value);
    containers_.pop_back();
    return attach(std::move(done));
  }

  const JsonLimits& limits_;
  Json root_;
  std::vector<Container> containers_;
  std::size_t values_ = 0;
  Error error_{ErrorCode::kCancelled, 0, {}};  // kCancelled: none yet
};

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
  // Keeps a double a double: 3 is written 3.0, so that reading it back gives the same type.
  if (std::string_view(text, static_cast<std::size_t>(end - text)).find_first_of(".e") == std::string_view::npos) {
    out += ".0";
  }
}

}  // namespace

Json::Json(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = value;
  }
}

Json Json::object(std::initializer_list<Member> members) { return Json(Object(members)); }

Result<Json> Json::parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return exhausted(fmt::format("JSON of {} bytes, limit {}", text.size(), limits.bytes_max));
  }
  // The library skips a byte order mark; two texts for one value are one too many.
  if (text.starts_with("\xEF\xBB\xBF")) return invalid_input("malformed JSON at byte 0: a byte order mark");
  // The library takes a NUL for the end, whatever follows. Inside a text one would have to be escaped anyway.
  if (const auto nul = text.find('\0'); nul != text.npos) {
    return invalid_input(fmt::format("malformed JSON at byte {}: a NUL", nul));
  }
  if (const auto bad = find_invalid_utf8(text); bad != text.npos) {
    return invalid_input(fmt::format("invalid UTF-8 at byte {}", bad));
  }
  Builder builder(limits);
  const bool parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder).take(parsed);
}

std::string_view Json::type_name() const {
  constexpr std::string_view kNames[] = {"null", "boolean", "integer", "integer",
                                         "number", "string", "array", "object"};
  return kNames[value_.index()];
}

bool Json::as_bool() const {
  CHECK(is_bool());
  return *std::get_if<bool>(&value_);
}

std::int64_t Json::as_int() const {
  CHECK(is_int());
  return *std::get_if<std::int64_t>(&value_);
}

double Json::as_double() const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  CHECK(is_double());
  return *std::get_if<double>(&value_);
}

const std::string& Json::as_string() const {
  CHECK(is_string());
  return *std::get_if<std::string>(&value_);
}

const Json::Array& Json::as_array() const {
  CHECK(is_array());
  return *std::get_if<Array>(&value_);
}

Json::Array& Json::as_array() {
  CHECK(is_array());
  return *std::get_if<Array>(&value_);
}

const Json::Object& Json::as_object() const {
  CHECK(is_object());
  return *std::get_if<Object>(&value_);
}

Json::Object& Json::as_object() {
  CHECK(is_object());
  return *std::get_if<Object>(&value_);
}

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, value] : as_object()) {
    if (name == key) return &value;
  }
  return nullptr;
}

void Json::set(std::string key, Json value) { as_object().emplace_back(std::move(key), std::move(value)); }

void Json::push_back(Json value) { as_array().push_back(std::move(value)); }

std::string Json::dump() const {
  std::string out;
  dump_to(out, 0, 0);
  return out;
}

std::string Json::dump_pretty() const {
  std::string out;
  dump_to(out, 2, 0);
  return out;
}

void Json::dump_to(std::string& out, int indent, int depth) const {
  const auto new_line = [&](int level) {
    if (indent == 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent * level), ' ');
  };
  if (is_null()) {
    out += "null";
  } else if (is_bool()) {
    out += as_bool() ? "true" : "false";
  } else if (is_int()) {
    out += fmt::format_int(as_int()).c_str();
  } else if (const auto* large = std::get_if<std::uint64_t>(&value_)) {
    out += fmt::format_int(*large).c_str();
  } else if (is_double()) {
    append_double(out, as_double());
  } else if (is_string()) {
    append_json_string(out, as_string());
  } else if (is_array()) {
    out += '[';
    for (std::size_t i = 0; i < as_array().size(); ++i) {
      if (i > 0) out += ',';
      new_line(depth + 1);
      as_array()[i].dump_to(out, indent, depth + 1);
    }
    if (!as_array().empty()) new_line(depth);
    out += ']';
  } else {
    out += '{';
    for (std::size_t i = 0; i < as_object().size(); ++i) {
      if (i > 0) out += ',';
      new_line(depth + 1);
      append_json_string(out, as_object()[i].first);
      out += indent == 0 ? ":" : ": ";
      as_object()[i].second.dump_to(out, indent, depth + 1);
    }
    if (!as_object().empty()) new_line(depth);
    out += '}';
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      ++i;
    } else if (c == '\n') {
      out += "\\n";
      ++i;
    } else if (c == '\t') {
      out += "\\t";
      ++i;
    } else if (c == '\r') {
      out += "\\r";
      ++i;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      ++i;
    } else {
      const Utf8Char next = decode_utf8(text.substr(i));
      append_utf8(out, next.code_point);
      i += next.bytes;
    }
  }
  out += '"';
}

}  // namespace base
