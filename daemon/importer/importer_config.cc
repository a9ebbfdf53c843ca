#include "daemon/importer/importer_config.h"

#include <fmt/format.h>

#include <utility>

#include "hardening/base/json.h"
#include "provisioning/json_fields.h"

namespace daemon_importer {
namespace {

using base::Json;
using provisioning::array_member;
using provisioning::string_member;

constexpr std::string_view kPath = "importer configuration";

base::Result<std::int64_t> int_member(const Json& json, std::string_view key) {
  const Json* value = json.find(key);
  if (value == nullptr || !value->is_int())
    return base::invalid_input(fmt::format("{}.{}: no integer", kPath, key));
  return value->as_int();
}

base::Result<std::uint64_t> count_member(const Json& json, std::string_view key) {
  const std::int64_t value = TRY(int_member(json, key));
  if (value < 0) return base::invalid_input(fmt::format("{}.{}: below 0", kPath, key));
  return static_cast<std::uint64_t>(value);
}

base::Result<std::vector<std::string>> texts_member(const Json& json, std::string_view key) {
  std::vector<std::string> texts;
  for (const Json& item : TRY(array_member(json, key, kPath))->as_array()) {
    if (!item.is_string())
      return base::invalid_input(fmt::format("{}.{}: not a string", kPath, key));
    texts.push_back(item.as_string());
  }
  return texts;
}

Json to_array(const std::vector<std::string>& texts) {
  Json array = Json::array();
  for (const std::string& text : texts) array.push_back(text);
  return array;
}

}  // namespace

std::string ImporterConfig::serialize() const {
  return Json::object({{"trust_root", trust_root},
                       {"floors", floors},
                       {"trusted_keys", to_array(trusted_keys)},
                       {"product", site.product},
                       {"product_version", site.product_version},
                       {"backends", to_array(site.backends)},
                       {"memory_bytes", site.memory_bytes},
                       {"now", site.now},
                       {"name", name},
                       {"recheck", recheck},
                       {"bytes_max", bytes_max}})
      .dump();
}

base::Result<ImporterConfig> ImporterConfig::parse(std::string_view text) {
  const Json json = TRY(Json::parse(text, {.bytes_max = kConfigBytesMax, .depth_max = 8}));
  if (!json.is_object()) return base::invalid_input(fmt::format("{}: not an object", kPath));
  TRY(provisioning::only_members(
      json,
      {"trust_root", "floors", "trusted_keys", "product", "product_version", "backends",
       "memory_bytes", "now", "name", "recheck", "bytes_max"},
      kPath));
  ImporterConfig config;
  config.trust_root = TRY(string_member(json, "trust_root", kPath));
  config.floors = TRY(string_member(json, "floors", kPath));
  config.trusted_keys = TRY(texts_member(json, "trusted_keys"));
  config.site.product = TRY(string_member(json, "product", kPath));
  config.site.product_version = TRY(string_member(json, "product_version", kPath));
  config.site.backends = TRY(texts_member(json, "backends"));
  config.site.memory_bytes = TRY(count_member(json, "memory_bytes"));
  config.site.now = TRY(int_member(json, "now"));
  config.name = TRY(string_member(json, "name", kPath));
  config.recheck = TRY(provisioning::bool_member(json, "recheck", kPath));
  config.bytes_max = TRY(count_member(json, "bytes_max"));
  return config;
}

}  // namespace daemon_importer
