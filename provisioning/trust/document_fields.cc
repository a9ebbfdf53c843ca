#include "provisioning/trust/document_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hardening/base/hex.h"
#include "provisioning/json_fields.h"
#include "provisioning/utc_time.h"

namespace provisioning {
namespace {

using base::Json;

constexpr std::size_t kIdDigits = 64;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

base::Status check_length(std::string_view text, TextLimits limits, std::string_view key,
                          std::string_view path) {
  if (text.size() >= limits.bytes_min && text.size() <= limits.bytes_max) return {};
  return base::invalid_input(fmt::format("{}.{} has {} bytes, not {} to {}", path, key, text.size(),
                                         limits.bytes_min, limits.bytes_max));
}

}  // namespace

base::Result<Json> parse_document(std::string_view text, std::string_view type,
                                  const base::JsonLimits& limits) {
  Json document = TRY(Json::parse(text, limits).context(type));
  if (!document.is_object()) return base::invalid_input(fmt::format("{}: not an object", type));
  TRY(expect_string(document, "type", type, type));
  const Json* format = document.find("format");
  if (format == nullptr || !format->is_int() || format->as_int() != 1) {
    return base::unsupported(fmt::format("{}.format is not 1", type));
  }
  return document;
}

base::Result<std::uint64_t> integer_member(const Json& object, std::string_view key,
                                           std::uint64_t minimum, std::uint64_t maximum,
                                           std::string_view path) {
  const Json* value = object.find(key);
  if (value == nullptr) return base::invalid_input(fmt::format("{}.{} is missing", path, key));
  const bool fits = value->is_int() && value->as_int() >= 0 &&
                    static_cast<std::uint64_t>(value->as_int()) >= minimum &&
                    static_cast<std::uint64_t>(value->as_int()) <= maximum;
  if (!fits)
    return base::invalid_input(
        fmt::format("{}.{} is not an integer of {} to {}", path, key, minimum, maximum));
  return static_cast<std::uint64_t>(value->as_int());
}

base::Result<std::int64_t> time_member(const Json& object, std::string_view key,
                                       std::string_view path) {
  return parse_utc_time(TRY(string_member(object, key, path)))
      .context(fmt::format("{}.{}", path, key));
}

base::Result<std::optional<std::int64_t>> optional_time_member(const Json& object,
                                                               std::string_view key,
                                                               std::string_view path) {
  if (object.find(key) == nullptr) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(TRY(time_member(object, key, path)));
}

base::Result<std::string> text_member(const Json& object, std::string_view key, TextLimits limits,
                                      std::string_view path) {
  std::string text = TRY(string_member(object, key, path));
  TRY(check_length(text, limits, key, path));
  if (!is_printable_ascii(text))
    return base::invalid_input(fmt::format("{}.{} is not printable ASCII", path, key));
  return text;
}

base::Result<std::string> name_member(const Json& object, std::string_view key, TextLimits limits,
                                      std::string_view path) {
  std::string text = TRY(string_member(object, key, path));
  TRY(check_length(text, limits, key, path));
  if (!text.empty() && !is_name(text, limits.bytes_max)) {
    return base::invalid_input(fmt::format(
        "{}.{} has a character other than letters, digits, \".\", \"-\" and \"_\"", path, key));
  }
  return text;
}

base::Status digest_member(const Json& object, std::string_view key, std::span<std::byte> out,
                           std::string_view path) {
  const std::string text = TRY(string_member(object, key, path));
  const auto bytes = base::from_hex(text.size() == 2 * out.size() ? text : "-");
  if (!bytes.ok()) {
    return base::invalid_input(
        fmt::format("{}.{} is not {} lower-case hexadecimal digits", path, key, 2 * out.size()));
  }
  std::copy(bytes.value().begin(), bytes.value().end(), out.begin());
  return {};
}

base::Result<std::vector<std::string>> strings_member(const Json& object, std::string_view key,
                                                      std::size_t count_max,
                                                      std::string_view path) {
  const auto& list = TRY(array_member(object, key, path))->as_array();
  if (list.size() > count_max) {
    return base::exhausted(
        fmt::format("{}.{} has {} entries, limit {}", path, key, list.size(), count_max));
  }
  std::vector<std::string> texts;
  for (const Json& entry : list) {
    if (!entry.is_string())
      return base::invalid_input(fmt::format("{}.{}: not a string", path, key));
    texts.push_back(entry.as_string());
  }
  return texts;
}

base::Result<std::vector<std::string>> ids_member(const Json& object, std::string_view key,
                                                  std::size_t count_max, std::string_view path) {
  auto ids = TRY(strings_member(object, key, count_max, path));
  std::set<std::string_view> seen;
  for (const std::string& id : ids) {
    if (!is_id(id))
      return base::invalid_input(
          fmt::format("{}.{}: not 64 lower-case hexadecimal digits", path, key));
    if (!seen.insert(id).second)
      return base::invalid_input(fmt::format("{}.{} has {} twice", path, key, id));
  }
  return ids;
}

bool is_id(std::string_view text) {
  return text.size() == kIdDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_name(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(), is_name_character);
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Json string_array(const std::vector<std::string>& texts) {
  Json array = Json::array();
  for (const std::string& text : texts) array.push_back(text);
  return array;
}

}  // namespace provisioning
