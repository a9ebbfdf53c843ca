#include "daemon/auditor/auditor_config.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "daemon/auditor/limits.h"
#include "hardening/base/json.h"
#include "provisioning/json_fields.h"

namespace daemon_auditor {
namespace {

using base::Json;
using provisioning::string_member;

constexpr std::string_view kPath = "auditor configuration";
constexpr std::size_t kBootDigits = 32;
constexpr std::size_t kWitnessesMax = 16;

base::Result<std::uint32_t> days_member(const Json& json, std::string_view key) {
  const Json* value = json.find(key);
  if (value == nullptr || !value->is_int())
    return base::invalid_input(fmt::format("{}.{}: no integer", kPath, key));
  const std::int64_t days = value->as_int();
  if (days < 0 || days > std::numeric_limits<std::uint32_t>::max())
    return base::invalid_input(fmt::format("{}.{}: not from 0 to 2^32 - 1", kPath, key));
  return static_cast<std::uint32_t>(days);
}

// A decimal text: JSON's own numbers do not hold 64 bits everywhere.
base::Result<std::uint64_t> writer_member(const Json& json, std::string_view key) {
  const std::string text = TRY(string_member(json, key, kPath));
  std::uint64_t value = 0;
  for (const char digit : text) {
    const bool fits = digit >= '0' && digit <= '9' && !__builtin_mul_overflow(value, 10u, &value) &&
                      !__builtin_add_overflow(value, static_cast<unsigned>(digit - '0'), &value);
    if (!fits) return base::invalid_input(fmt::format("{}.{}: no 64-bit number", kPath, key));
  }
  if (value == 0) return base::invalid_input(fmt::format("{}.{}: not above 0", kPath, key));
  return value;
}

base::Result<std::vector<std::string>> witnesses_member(const Json& json) {
  const Json::Array& items = TRY(provisioning::array_member(json, "witnesses", kPath))->as_array();
  if (items.size() > kWitnessesMax) {
    return base::exhausted(
        fmt::format("{}.witnesses: {}, at most {} allowed", kPath, items.size(), kWitnessesMax));
  }
  std::vector<std::string> witnesses;
  for (const Json& item : items) {
    if (!item.is_string())
      return base::invalid_input(fmt::format("{}.witnesses: not a string", kPath));
    witnesses.push_back(item.as_string());
  }
  return witnesses;
}

bool is_boot_id(std::string_view text) {
  return text.size() == kBootDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string AuditorConfig::serialize() const {
  Json keys = Json::array();
  for (const std::string& witness : witnesses) keys.push_back(witness);
  return Json::object({{"origin", origin},
                       {"host", host},
                       {"sealed_days", sealed_days},
                       {"retention_days", retention_days},
                       {"witnesses", std::move(keys)},
                       {"boot", boot},
                       {"supervisor", fmt::format("{}", supervisor)}})
      .dump();
}

base::Result<AuditorConfig> AuditorConfig::parse(std::string_view text) {
  const Json json = TRY(Json::parse(text, {.bytes_max = kConfigBytesMax, .depth_max = 4}));
  if (!json.is_object()) return base::invalid_input(fmt::format("{}: not an object", kPath));
  TRY(provisioning::only_members(
      json, {"origin", "host", "sealed_days", "retention_days", "witnesses", "boot", "supervisor"},
      kPath));
  AuditorConfig config;
  config.origin = TRY(string_member(json, "origin", kPath));
  config.host = TRY(string_member(json, "host", kPath));
  config.sealed_days = TRY(days_member(json, "sealed_days"));
  config.retention_days = TRY(days_member(json, "retention_days"));
  config.witnesses = TRY(witnesses_member(json));
  config.boot = TRY(string_member(json, "boot", kPath));
  if (!is_boot_id(config.boot)) {
    return base::invalid_input(
        fmt::format("{}.boot: not {} hexadecimal digits", kPath, kBootDigits));
  }
  config.supervisor = TRY(writer_member(json, "supervisor"));
  return config;
}

}  // namespace daemon_auditor
