#include "daemon/auth/api_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daemon_auth {
namespace {

using testing::HasSubstr;

// Made with another tool: printf %s SECRET | openssl dgst -sha256 -mac HMAC -macopt hexkey:SALT
constexpr char kStored[] =
    R"({"version":1,"keys":[{"id":"0123456789ab","name":"vector","created":1700000000,
  "salt":"000102030405060708090a0b0c0d0e0f",
  "hash":"81b185398f0a558c294ce77cc5bb05cb4af170c03109cffcf5f0b84ed0cd5353","revoked":false}]})";
constexpr char kPresented[] =
    "rdk_0123456789ab_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

ApiKeys parse_text(std::string_view text) {
  auto json = base::Json::parse(text);
  EXPECT_TRUE(json.ok());
  auto keys = ApiKeys::parse(json.value());
  EXPECT_TRUE(keys.ok()) << keys.error().message;
  return std::move(keys).value();
}

std::string parse_error(std::string text) {
  const auto keys = ApiKeys::parse(base::Json::parse(text).value());
  return keys.ok() ? "accepted" : keys.error().message;
}

std::string with(std::string_view from, std::string_view to) {
  std::string text = kStored;
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ApiKeys, VerifiesAHashMadeByAnotherImplementation) {
  const auto keys = parse_text(kStored);
  const auto identity = keys.verify(kPresented);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->id, "0123456789ab");
  EXPECT_EQ(identity->name, "vector");
  EXPECT_EQ(identity->tenant, 0x0123456789abu);
}

TEST(ApiKeys, RefusesEveryKeyThatDiffersInOneCharacter) {
  const auto keys = parse_text(kStored);
  const std::string right = kPresented;
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = wrong[i] == '0' ? '1' : '0';
    EXPECT_FALSE(keys.verify(wrong).has_value()) << i;
  }
}

TEST(ApiKeys, RefusesEveryPrefixAndExtensionOfAKey) {
  const auto keys = parse_text(kStored);
  const std::string right = kPresented;
  for (std::size_t i = 0; i < right.size(); ++i)
    EXPECT_FALSE(keys.verify(right.substr(0, i)).has_value());
  EXPECT_FALSE(keys.verify(right + "0").has_value());
  EXPECT_FALSE(keys.verify(std::string(1 << 20, 'r')).has_value());
}

TEST(ApiKeys, WhatCreateReturnsVerifies) {
  ApiKeys keys;
  auto created = keys.create("laptop-7", 1'700'000'123);
  ASSERT_TRUE(created.ok());
  const std::string_view key = created.value().key.expose_text();
  EXPECT_EQ(key.size(), 4u + 12 + 1 + 64);
  EXPECT_TRUE(key.starts_with("rdk_" + created.value().id + "_"));
  const auto identity = keys.verify(key);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->name, "laptop-7");
  EXPECT_EQ(keys.keys()[0].created, 1'700'000'123);
}

TEST(ApiKeys, NeverStoreTheSecret) {
  ApiKeys keys;
  const auto created = keys.create("a", 1);
  const std::string stored = keys.serialize().dump();
  const auto secret = created.value().key.expose_text().substr(17);
  EXPECT_EQ(stored.find(secret), stored.npos);
}

TEST(ApiKeys, SurviveARoundTrip) {
  ApiKeys keys;
  ASSERT_TRUE(keys.create("one", 1).ok());
  const auto second = keys.create("two", 2);
  ASSERT_TRUE(keys.revoke(keys.keys()[0].id).ok());
  const auto again = parse_text(keys.serialize().dump());
  EXPECT_EQ(again.serialize(), keys.serialize());
  EXPECT_TRUE(again.verify(second.value().key.expose_text()).has_value());
}

TEST(ApiKeys, ARevokedKeyNoLongerOpens) {
  ApiKeys keys;
  const auto created = keys.create("a", 1);
  ASSERT_TRUE(keys.revoke(created.value().id).ok());
  EXPECT_FALSE(keys.verify(created.value().key.expose_text()).has_value());
  EXPECT_EQ(keys.revoke("ffffffffffff").error().code, base::ErrorCode::kNotFound);
}

TEST(ApiKeys, TwoKeysHaveDifferentIdsAndSecrets) {
  ApiKeys keys;
  const auto a = keys.create("same", 1);
  const auto b = keys.create("same", 1);
  EXPECT_NE(a.value().id, b.value().id);
  EXPECT_NE(a.value().key.expose_text().substr(17), b.value().key.expose_text().substr(17));
  const std::string crossed =
      "rdk_" + a.value().id + std::string(b.value().key.expose_text().substr(16));
  EXPECT_FALSE(keys.verify(crossed).has_value());
}

TEST(ApiKeys, RefusesNamesThatCouldConfuseATerminalOrALog) {
  ApiKeys keys;
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a\n"), std::string("\xC3\xBC"),
        std::string("a/b"), std::string(65, 'a')}) {
    EXPECT_FALSE(keys.create(name, 1).ok()) << name;
  }
  EXPECT_TRUE(keys.create(std::string(64, 'a'), 1).ok());
}

TEST(ApiKeys, RefusesFilesThatAreNotOurs) {
  EXPECT_THAT(parse_error("[]"), HasSubstr("not an object"));
  EXPECT_THAT(parse_error("{}"), HasSubstr("\"version\""));
  EXPECT_THAT(parse_error(R"({"version":2,"keys":[]})"), HasSubstr("version 2"));
  EXPECT_THAT(parse_error(R"({"version":1})"), HasSubstr("\"keys\""));
  EXPECT_THAT(parse_error(R"({"version":1,"keys":[],"extra":1})"), HasSubstr("not known"));
  EXPECT_THAT(parse_error(R"({"version":1,"keys":[3]})"), HasSubstr("keys[0]: not an object"));
  EXPECT_THAT(parse_error(with("0123456789ab", "0123456789AB")), HasSubstr("\"id\""));
  EXPECT_THAT(parse_error(with("0123456789ab", "0123456789")), HasSubstr("\"id\""));
  EXPECT_THAT(parse_error(with("000102", "0102")), HasSubstr("\"salt\""));
  EXPECT_THAT(parse_error(with("vector", "a b")), HasSubstr("name"));
  EXPECT_THAT(parse_error(with("false", "0")), HasSubstr("\"revoked\""));
  EXPECT_THAT(parse_error(with("1700000000", "\"x\"")), HasSubstr("\"created\""));
  EXPECT_THAT(parse_error(with("\"revoked\"", "\"other\":1,\"revoked\"")), HasSubstr("not known"));
}

TEST(ApiKeys, RefusesTheSameIdTwice) {
  ApiKeys keys;
  ASSERT_TRUE(keys.create("a", 1).ok());
  base::Json json = keys.serialize();
  json.as_object()[1].second.push_back(json.find("keys")->as_array()[0]);
  const auto parsed = ApiKeys::parse(json);
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, HasSubstr("occurs twice"));
}

TEST(ApiKeys, RefusesMoreKeysThanTheLimit) {
  base::Json list = base::Json::array();
  for (std::size_t i = 0; i <= ApiKeys::kKeysMax; ++i) list.push_back(nullptr);
  const auto parsed =
      ApiKeys::parse(base::Json::object({{"version", 1}, {"keys", std::move(list)}}));
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, base::ErrorCode::kExhausted);
}

}  // namespace
}  // namespace daemon_auth
