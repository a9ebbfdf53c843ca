#include "daemon/gateway/gateway_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daemon_gateway {
namespace {

using base::Json;

GatewayConfig some_config() {
  GatewayConfig config;
  config.listeners = 2;
  config.tls_certificate_pem = "certificate";
  config.tls_private_key_pem = "key";
  config.tls_1_2 = true;
  config.requests_max = 7;
  config.audit_text = "sealed";
  config.audit_salt = std::string(64, '0');
  config.audit_sealed_to = "key";
  return config;
}

Json without(const Json& json, std::string_view name) {
  Json out = Json::object();
  for (const auto& [key, value] : json.as_object()) {
    if (key != name) out.set(key, value);
  }
  return out;
}

TEST(GatewayConfig, ComesBackAsItWas) {
  const Json json = some_config().serialize();
  const auto config = GatewayConfig::parse(json);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config.value().serialize() == json);
  EXPECT_EQ(config.value().requests_max, 7u);
  EXPECT_TRUE(config.value().tls_1_2);
}

TEST(GatewayConfig, NamesAMissingMember) {
  const Json json = some_config().serialize();
  for (const auto& [name, value] : json.as_object()) {
    const auto config = GatewayConfig::parse(without(json, name));
    ASSERT_FALSE(config.ok()) << name;
    EXPECT_THAT(config.error().message, testing::HasSubstr(name));
  }
}

TEST(GatewayConfig, RefusesUnknownMembersAndValuesOutOfRange) {
  Json json = some_config().serialize();
  json.set("surprise", 1);
  EXPECT_FALSE(GatewayConfig::parse(json).ok());
  for (const char* name :
       {"listeners", "connections_max", "requests_max", "body_bytes_max", "header_timeout_ms",
        "body_timeout_ms", "write_timeout_ms", "ping_interval_ms"}) {
    for (const Json& value :
         {Json(0), Json(-1), Json(std::int64_t{1} << 40), Json("1"), Json(1.5), Json()}) {
      Json changed = without(some_config().serialize(), name);
      changed.set(name, value);
      EXPECT_FALSE(GatewayConfig::parse(changed).ok()) << name;
    }
  }
  EXPECT_FALSE(GatewayConfig::parse(Json::array()).ok());
}

TEST(GatewayConfig, RefusesTextsThatCannotBeRecordedSo) {
  const auto with = [](const char* text, const std::string& salt, const char* sealed_to) {
    GatewayConfig config = some_config();
    config.audit_text = text;
    config.audit_salt = salt;
    config.audit_sealed_to = sealed_to;
    return GatewayConfig::parse(config.serialize()).ok();
  };
  const std::string salt(64, 'f');
  EXPECT_TRUE(with("none", salt, ""));
  EXPECT_TRUE(with("digest", salt, ""));
  EXPECT_FALSE(with("everything", salt, ""));
  EXPECT_FALSE(with("digest", salt + "ff", ""));
  EXPECT_FALSE(with("digest", "", ""));
  EXPECT_FALSE(with("sealed", salt, "")) << "to whom?";
  EXPECT_FALSE(with("digest", salt, "key")) << "for what?";
}

}  // namespace
}  // namespace daemon_gateway
