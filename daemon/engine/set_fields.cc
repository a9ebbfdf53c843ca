#include "daemon/engine/set_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace daemon_engine {

using base::Json;
using base::Result;
using base::Status;

namespace {

// Member names are somebody else's text: as much of one as an error needs.
std::string shown(std::string_view name) {
  return Json(name.substr(0, 64)).dump();
}

}  // namespace

Result<Json> parse_set(std::string_view text) {
  return Json::parse(text,
                     {.bytes_max = kSetBytesMax, .depth_max = 32, .values_max = kSetValuesMax});
}

Result<SetFields> SetFields::open(const Json& json, std::string path) {
  if (!json.is_object()) {
    const std::string name = path.empty() ? "the document" : path.substr(0, path.size() - 1);
    return base::invalid_input(fmt::format("{} is not an object", name));
  }
  return SetFields(json, std::move(path));
}

Result<const Json*> SetFields::member(std::string_view key) {
  known_.push_back(key);
  const Json* value = object_->find(key);
  if (value == nullptr) return base::invalid_input(path_of(key) + " is missing");
  return value;
}

Result<std::string> SetFields::text(std::string_view key, std::size_t bytes_min,
                                    std::size_t bytes_max) {
  const Json* value = TRY(member(key));
  if (!value->is_string()) return base::invalid_input(path_of(key) + " is not a string");
  const std::size_t bytes = value->as_string().size();
  if (bytes < bytes_min || bytes > bytes_max) {
    return base::invalid_input(fmt::format("{} has {} bytes, allowed are {} to {}", path_of(key),
                                           bytes, bytes_min, bytes_max));
  }
  return value->as_string();
}

Result<std::int64_t> SetFields::integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const Json* value = TRY(member(key));
  if (!value->is_int() || value->as_int() < min || value->as_int() > max) {
    return base::invalid_input(
        fmt::format("{} is not an integer from {} to {}", path_of(key), min, max));
  }
  return value->as_int();
}

Result<double> SetFields::number(std::string_view key, double min, double max) {
  const Json* value = TRY(member(key));
  if (!value->is_number() || !(value->as_double() >= min && value->as_double() <= max)) {
    return base::invalid_input(
        fmt::format("{} is not a number from {} to {}", path_of(key), min, max));
  }
  return value->as_double();
}

Result<const Json::Array*> SetFields::list(std::string_view key, std::size_t items_min,
                                           std::size_t items_max) {
  const Json* value = TRY(member(key));
  if (!value->is_array()) return base::invalid_input(path_of(key) + " is not an array");
  const std::size_t items = value->as_array().size();
  if (items < items_min || items > items_max) {
    return base::invalid_input(fmt::format("{} has {} items, allowed are {} to {}", path_of(key),
                                           items, items_min, items_max));
  }
  return &value->as_array();
}

// Whether the vocabulary has them is the engine's to say.
Result<std::vector<runtime::TokenId>> SetFields::tokens(std::string_view key, std::size_t items_min,
                                                        std::size_t items_max) {
  std::vector<runtime::TokenId> tokens;
  for (const Json& token : *TRY(list(key, items_min, items_max))) {
    if (!token.is_int() || token.as_int() < 0 ||
        token.as_int() > std::numeric_limits<runtime::TokenId>::max()) {
      return base::invalid_input(
          fmt::format("{}[{}] is not a token id", path_of(key), tokens.size()));
    }
    tokens.push_back(static_cast<runtime::TokenId>(token.as_int()));
  }
  return tokens;
}

Status SetFields::expect(std::string_view key, std::string_view text) {
  const Json* value = TRY(member(key));
  if (value->is_string() && value->as_string() == text) return {};
  return base::unsupported(fmt::format("{} is not \"{}\"", path_of(key), text));
}

Status SetFields::expect_no_more() const {
  for (const auto& [key, value] : object_->as_object()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    return base::invalid_input(fmt::format("{}{} is not a member known here", path_, shown(key)));
  }
  return {};
}

}  // namespace daemon_engine
