// A body against its table.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "daemon/audit/records/body_schema.h"
#include "daemon/audit/records/record.h"

namespace daemon_audit {
namespace {

constexpr std::int64_t kIntegerMax = (std::int64_t{1} << 53) - 1;

base::Status check_members(std::span<const BodyField> fields, const base::Json& value,
                           const std::string& path);

base::Error is_not(const std::string& path, std::string_view what) {
  return base::invalid_input(fmt::format("{} is not {}", path, what));
}

bool is_text(const base::Json& value, std::int64_t bytes_max) {
  return value.is_string() && value.as_string().size() <= static_cast<std::size_t>(bytes_max);
}

bool is_digest(const base::Json& value) {
  if (!value.is_string() || value.as_string().size() != 64) return false;
  const std::string& text = value.as_string();
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_integer(const base::Json& value, std::int64_t min, std::int64_t max) {
  return value.is_int() && value.as_int() >= min && value.as_int() <= max;
}

base::Status check_texts(const BodyField& field, const base::Json& value, const std::string& path) {
  if (!value.is_array()) return is_not(path, "an array");
  for (const base::Json& item : value.as_array()) {
    if (!is_text(item, field.max)) {
      return is_not(path, fmt::format("an array of texts of at most {} bytes", field.max));
    }
  }
  return {};
}

base::Status check_objects(const BodyField& field, const base::Json& value,
                           const std::string& path) {
  if (!value.is_array()) return is_not(path, "an array");
  for (std::size_t i = 0; i < value.as_array().size(); ++i) {
    TRY(check_members(field.members, value.as_array()[i], fmt::format("{}[{}]", path, i)));
  }
  return {};
}

base::Status check_value(const BodyField& field, const base::Json& value, const std::string& path) {
  switch (field.kind) {
    case BodyKind::kText:
      if (is_text(value, field.max)) return {};
      return is_not(path, fmt::format("a text of at most {} bytes", field.max));
    case BodyKind::kDigest:
      if (is_digest(value)) return {};
      return is_not(path, "64 hexadecimal digits");
    case BodyKind::kTime:
      if (value.is_string() && parse_time_us(value.as_string()).ok()) return {};
      return is_not(path, "a time");
    case BodyKind::kBool:
      if (value.is_bool()) return {};
      return is_not(path, "true or false");
    case BodyKind::kCount:
      if (is_integer(value, 0, field.max)) return {};
      return is_not(path, fmt::format("an integer from 0 to {}", field.max));
    case BodyKind::kInteger:
      if (is_integer(value, -kIntegerMax, kIntegerMax)) return {};
      return is_not(path, "an integer");
    case BodyKind::kNumber:
      if (value.is_number()) return {};
      return is_not(path, "a number");
    case BodyKind::kTexts:
      return check_texts(field, value, path);
    case BodyKind::kObject:
      return check_members(field.members, value, path);
    case BodyKind::kObjects:
      return check_objects(field, value, path);
    case BodyKind::kOpen:
      return {};
  }
  return is_not(path, "known");
}

// A name that we do not know comes from outside: only what may stand in one is shown.
std::string shown(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 64)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    text += plain ? c : '?';
  }
  return text;
}

base::Status check_members(std::span<const BodyField> fields, const base::Json& value,
                           const std::string& path) {
  if (!value.is_object()) return is_not(path, "an object");
  for (const auto& [name, member] : value.as_object()) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&name = name](const BodyField& f) { return f.name == name; });
    if (field == fields.end()) {
      return base::invalid_input(fmt::format("{}.{} is unknown", path, shown(name)));
    }
    TRY(check_value(*field, member, fmt::format("{}.{}", path, name)));
  }
  for (const BodyField& field : fields) {
    if (field.required && value.find(field.name) == nullptr) {
      return base::invalid_input(fmt::format("{}.{} is missing", path, field.name));
    }
  }
  return {};
}

}  // namespace

base::Status check_body(std::string_view type, const base::Json& body) {
  const auto fields = body_fields(type);
  if (fields.empty()) return base::invalid_input("unknown type");
  return check_members(fields, body, std::string(type));
}

}  // namespace daemon_audit
