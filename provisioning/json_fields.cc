#include "provisioning/json_fields.h"

#include <fmt/format.h>

#include <algorithm>

namespace provisioning {
namespace {

base::Result<const base::Json*> member(const base::Json& object, std::string_view key,
                                       bool (base::Json::*is_type)() const, std::string_view path) {
  const base::Json* value = object.find(key);
  if (value == nullptr) return base::invalid_input(fmt::format("{}.{} is missing", path, key));
  if (!(value->*is_type)()) {
    return base::invalid_input(fmt::format("{}.{} is of type {}", path, key, value->type_name()));
  }
  return value;
}

constexpr std::size_t kQuotedBytesMax = 80;

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kQuotedBytesMax)) {
    const bool plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
    out += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return out + (text.size() > kQuotedBytesMax ? "...\"" : "\"");
}

base::Result<const base::Json*> object_member(const base::Json& object, std::string_view key,
                                              std::string_view path) {
  return member(object, key, &base::Json::is_object, path);
}

base::Result<const base::Json*> array_member(const base::Json& object, std::string_view key,
                                             std::string_view path) {
  return member(object, key, &base::Json::is_array, path);
}

base::Result<std::string> string_member(const base::Json& object, std::string_view key,
                                        std::string_view path) {
  return TRY(member(object, key, &base::Json::is_string, path))->as_string();
}

base::Result<bool> bool_member(const base::Json& object, std::string_view key,
                               std::string_view path) {
  return TRY(member(object, key, &base::Json::is_bool, path))->as_bool();
}

base::Status expect_string(const base::Json& object, std::string_view key,
                           std::string_view expected, std::string_view path) {
  if (const std::string found = TRY(string_member(object, key, path)); found != expected) {
    return base::unsupported(
        fmt::format("{}.{} is not \"{}\" but {}", path, key, expected, quoted(found)));
  }
  return {};
}

base::Status only_members(const base::Json& object, std::initializer_list<std::string_view> known,
                          std::string_view path) {
  for (const auto& [key, value] : object.as_object()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return base::invalid_input(fmt::format("{} has an unknown member {}", path, quoted(key)));
    }
  }
  return {};
}

}  // namespace provisioning
