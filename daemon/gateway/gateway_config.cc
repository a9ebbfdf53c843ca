#include "daemon/gateway/gateway_config.h"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "daemon/ipc/messages.h"
#include "hardening/base/file.h"
#include "hardening/base/secret.h"

namespace daemon_gateway {
namespace {

using base::invalid_input;
using base::Json;

struct Setting {
  std::string_view name;
  std::uint32_t GatewayConfig::*value;
  std::uint32_t min;
  std::uint32_t max;
};

constexpr std::uint32_t kDayMs = 86'400'000;
constexpr std::size_t kConfigBytesMax = std::size_t{8} << 20;  // 10,000 keys and some certificates

// A body is at most half of what the engine takes: escaping it again for the engine can make it
// longer.
constexpr std::array<Setting, 10> kSettings = {{
    {"listeners", &GatewayConfig::listeners, 1, 16},
    {"connections_max", &GatewayConfig::connections_max, 1, 65'536},
    {"requests_max", &GatewayConfig::requests_max, 1, 1'024},
    {"requests_per_key_max", &GatewayConfig::requests_per_key_max, 0, 1'024},
    {"body_bytes_max", &GatewayConfig::body_bytes_max, 1'024, 32u << 20},
    {"header_timeout_ms", &GatewayConfig::header_timeout_ms, 100, kDayMs},
    {"body_timeout_ms", &GatewayConfig::body_timeout_ms, 100, kDayMs},
    {"write_timeout_ms", &GatewayConfig::write_timeout_ms, 100, kDayMs},
    {"request_timeout_ms", &GatewayConfig::request_timeout_ms, 0, kDayMs},
    {"ping_interval_ms", &GatewayConfig::ping_interval_ms, 100, kDayMs},
}};
constexpr std::size_t kOtherMembers = 7;
constexpr std::size_t kSaltDigits = 64;
constexpr std::size_t kSealedToBytesMax = 4'096;

base::Result<const Json*> member(const Json& json, std::string_view name) {
  const Json* const value = json.find(name);
  if (value == nullptr)
    return invalid_input(fmt::format("gateway configuration: '{}' is missing", name));
  return value;
}

base::Result<std::string> text(const Json& json, std::string_view name) {
  const Json* const value = TRY(member(json, name));
  if (!value->is_string())
    return invalid_input(fmt::format("gateway configuration: '{}' is not a string", name));
  return value->as_string();
}

base::Status read_audit(const Json& json, GatewayConfig& config) {
  config.audit_text = TRY(text(json, "audit_text"));
  config.audit_salt = TRY(text(json, "audit_salt"));
  config.audit_sealed_to = TRY(text(json, "audit_sealed_to"));
  const std::string& kind = config.audit_text;
  if (kind != "none" && kind != "digest" && kind != "sealed") {
    return invalid_input(
        "gateway configuration: 'audit_text' is not \"none\", \"digest\" or \"sealed\"");
  }
  if (config.audit_salt.size() != kSaltDigits) {
    return invalid_input(fmt::format(
        "gateway configuration: 'audit_salt' is not {} hexadecimal digits", kSaltDigits));
  }
  if ((kind == "sealed") == config.audit_sealed_to.empty() ||
      config.audit_sealed_to.size() > kSealedToBytesMax) {
    return invalid_input(fmt::format(
        "gateway configuration: 'audit_sealed_to' is a key of at most {} bytes with \"sealed\", "
        "and empty without it",
        kSealedToBytesMax));
  }
  return {};
}

base::Status read_setting(const Json& json, const Setting& setting, GatewayConfig& config) {
  const Json* const value = TRY(member(json, setting.name));
  if (!value->is_int() || value->as_int() < setting.min || value->as_int() > setting.max) {
    return invalid_input(fmt::format("gateway configuration: '{}' must be an integer from {} to {}",
                                     setting.name, setting.min, setting.max));
  }
  config.*setting.value = static_cast<std::uint32_t>(value->as_int());
  return {};
}

}  // namespace

Json GatewayConfig::serialize() const {
  Json json = Json::object();
  for (const Setting& setting : kSettings)
    json.set(std::string(setting.name), this->*setting.value);
  json.set("tls_certificate_pem", tls_certificate_pem);
  json.set("tls_private_key_pem", tls_private_key_pem);
  json.set("tls_1_2", tls_1_2);
  json.set("api_keys", api_keys.serialize());
  json.set("audit_text", audit_text);
  json.set("audit_salt", audit_salt);
  json.set("audit_sealed_to", audit_sealed_to);
  return json;
}

base::Result<GatewayConfig> GatewayConfig::parse(const Json& json) {
  if (!json.is_object()) return invalid_input("gateway configuration: not an object");
  GatewayConfig config;
  for (const Setting& setting : kSettings) TRY(read_setting(json, setting, config));
  config.tls_certificate_pem = TRY(text(json, "tls_certificate_pem"));
  config.tls_private_key_pem = TRY(text(json, "tls_private_key_pem"));
  const Json* const tls_1_2 = TRY(member(json, "tls_1_2"));
  if (!tls_1_2->is_bool())
    return invalid_input("gateway configuration: 'tls_1_2' is not a boolean");
  config.tls_1_2 = tls_1_2->as_bool();
  config.api_keys = TRY(
      daemon_auth::ApiKeys::parse(*TRY(member(json, "api_keys"))).context("gateway configuration"));
  TRY(read_audit(json, config));
  // Every known member was found, so any more are unknown: keys are distinct.
  if (json.as_object().size() != kSettings.size() + kOtherMembers) {
    return invalid_input("gateway configuration: unknown member");
  }
  return config;
}

base::Result<GatewayConfig> read_gateway_config(const base::Fd& fd) {
  std::string text = TRY(base::read_text(fd, kConfigBytesMax));
  const auto json = Json::parse(text, {.bytes_max = kConfigBytesMax});
  base::wipe(std::as_writable_bytes(std::span(text)));
  if (!json.ok()) return json.error();
  return GatewayConfig::parse(json.value());
}

}  // namespace daemon_gateway
