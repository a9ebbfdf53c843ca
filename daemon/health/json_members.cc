#include "daemon/health/json_members.h"

#include <fmt/format.h>

#include <algorithm>

namespace daemon_health {
namespace {

using base::Json;
using base::Result;

base::Error refused(const std::string& path, std::string_view what) {
  return base::invalid_input(fmt::format("{}: {}", path, what));
}

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

}  // namespace

Result<std::int64_t> integer_value(const Json& value, const std::string& path, std::int64_t min,
                                   std::int64_t max) {
  if (!value.is_int()) return refused(path, fmt::format("no integer from {} to {}", min, max));
  const std::int64_t number = value.as_int();
  if (number < min || number > max)
    return refused(path, fmt::format("{}, from {} to {} allowed", number, min, max));
  return number;
}

Result<std::string> text_value(const Json& value, const std::string& path, std::size_t bytes_min,
                               std::size_t bytes_max) {
  if (!value.is_string()) return refused(path, "no text");
  const std::string& text = value.as_string();
  if (text.size() < bytes_min || text.size() > bytes_max)
    return refused(
        path, fmt::format("{} bytes, from {} to {} allowed", text.size(), bytes_min, bytes_max));
  if (!std::all_of(text.begin(), text.end(), is_printable))
    return refused(path, "not printable ASCII");
  return text;
}

Result<JsonMembers> JsonMembers::open(const Json& json, std::string path) {
  if (!json.is_object()) return refused(path, "not an object");
  return JsonMembers(json, std::move(path));
}

const Json* JsonMembers::find(std::string_view key) {
  const Json* value = object_->find(key);
  if (value != nullptr) ++found_;
  return value;
}

Result<std::string> JsonMembers::text(std::string_view key, std::size_t bytes_min,
                                      std::size_t bytes_max) {
  const Json* value = find(key);
  if (value == nullptr) return refused(path_of(key), "missing");
  return text_value(*value, path_of(key), bytes_min, bytes_max);
}

Result<std::int64_t> JsonMembers::integer(std::string_view key, std::int64_t min,
                                          std::int64_t max) {
  const Json* value = find(key);
  if (value == nullptr) return refused(path_of(key), "missing");
  return integer_value(*value, path_of(key), min, max);
}

Result<const Json::Array*> JsonMembers::list(std::string_view key, std::size_t items_max) {
  const Json* value = find(key);
  if (value == nullptr) return static_cast<const Json::Array*>(nullptr);
  if (!value->is_array()) return refused(path_of(key), "no list");
  const std::size_t items = value->as_array().size();
  if (items == 0 || items > items_max)
    return refused(path_of(key), fmt::format("{} items, from 1 to {} allowed", items, items_max));
  return &value->as_array();
}

// The keys of an object are distinct (base::Json), so as many as were found are all.
base::Status JsonMembers::expect_no_more() const {
  if (object_->as_object().size() == found_) return {};
  return refused(path_, "has a member that is not known here");
}

}  // namespace daemon_health
