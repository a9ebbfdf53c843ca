#include "daemon/auth/api_keys.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "hardening/base/check.h"
#include "hardening/base/hex.h"
#include "hardening/base/memory_reserve.h"

namespace daemon_auth {
namespace {

constexpr std::string_view kPrefix = "rdk_";
constexpr std::size_t kIdDigits = 12;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretDigits = 2 * kSecretBytes;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kKeyDigits = kPrefix.size() + kIdDigits + 1 + kSecretDigits;

using Hash = std::array<std::byte, kHashBytes>;

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

base::Status check_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  if (name.empty() || name.size() > kNameBytesMax) {
    return base::invalid_input(
        fmt::format("a key's name has 1 to {} characters, not {}", kNameBytesMax, name.size()));
  }
  if (name.find_first_not_of(kAllowed) != name.npos) {
    return base::invalid_input("a key's name consists of letters, digits, '-', '_' and '.'");
  }
  return {};
}

// HMAC-SHA-256 (RFC 2104) with the salt as key, over the secret's hex digits.
Hash hash_secret(std::span<const std::byte> salt, std::string_view secret) {
  Hash hash{};
  unsigned size = 0;
  const auto* key = reinterpret_cast<const unsigned char*>(salt.data());
  const auto* text = reinterpret_cast<const unsigned char*>(secret.data());
  auto* out = reinterpret_cast<unsigned char*>(hash.data());
  const auto make = [&] {
    return ::HMAC(EVP_sha256(), key, static_cast<int>(salt.size()), text, secret.size(), out,
                  &size) != nullptr;
  };
  if (!make()) {  // for want of memory
    base::spend_memory_reserve();
    CHECK(make());
  }
  CHECK(size == kHashBytes);
  return hash;
}

std::string random_hex(std::size_t bytes) {
  std::vector<std::byte> raw(bytes);
  base::fill_random(raw);
  return base::to_hex(raw);
}

std::uint64_t tenant_of(std::string_view id) {
  std::uint64_t tenant = 0;
  std::from_chars(id.data(), id.data() + id.size(), tenant, 16);
  return tenant;
}

// The secret as hex digits, in memory that is wiped.
base::Result<base::Secret> create_secret_digits() {
  const auto raw = TRY(base::Secret::create_random(kSecretBytes));
  std::string digits = base::to_hex(raw.expose_bytes());
  auto secret = base::Secret::create(digits);
  base::wipe(std::as_writable_bytes(std::span(digits)));
  return secret;
}

base::Result<base::Secret> join_key(std::string_view id, const base::Secret& secret) {
  std::string text;
  text.reserve(kKeyDigits);  // or growing would leave pieces of the secret behind
  text.append(kPrefix).append(id).append("_").append(secret.expose_text());
  auto key = base::Secret::create(text);
  base::wipe(std::as_writable_bytes(std::span(text)));
  return key;
}

base::Result<std::string> text_member(const base::Json& object, std::string_view name) {
  const base::Json* member = object.find(name);
  if (member == nullptr || !member->is_string()) {
    return base::invalid_input(fmt::format("\"{}\" is missing or not a string", name));
  }
  return member->as_string();
}

base::Result<ApiKey> parse_key(const base::Json& json) {
  if (!json.is_object()) return base::invalid_input("not an object");
  ApiKey key;
  key.id = TRY(text_member(json, "id"));
  key.name = TRY(text_member(json, "name"));
  key.salt = TRY(text_member(json, "salt"));
  key.hash = TRY(text_member(json, "hash"));
  const base::Json* created = json.find("created");
  const base::Json* revoked = json.find("revoked");
  if (!is_hex(key.id, kIdDigits))
    return base::invalid_input("\"id\" is not 12 lower-case hex digits");
  TRY(check_name(key.name));
  if (!is_hex(key.salt, 2 * kSaltBytes))
    return base::invalid_input("\"salt\" is not 16 bytes of hex");
  if (!is_hex(key.hash, 2 * kHashBytes))
    return base::invalid_input("\"hash\" is not 32 bytes of hex");
  if (created == nullptr || !created->is_int())
    return base::invalid_input("\"created\" is missing or not an integer");
  if (revoked == nullptr || !revoked->is_bool())
    return base::invalid_input("\"revoked\" is missing or not a boolean");
  if (json.as_object().size() != 6) return base::invalid_input("a member that is not known");
  key.created = created->as_int();
  key.revoked = revoked->as_bool();
  return key;
}

}  // namespace

base::Result<ApiKeys> ApiKeys::parse(const base::Json& json) {
  if (!json.is_object()) return base::invalid_input("API keys: not an object");
  const base::Json* version = json.find("version");
  if (version == nullptr || !version->is_int())
    return base::invalid_input("API keys: \"version\" is missing");
  if (version->as_int() != 1) {
    return base::unsupported(
        fmt::format("API keys: version {}, this release reads 1", version->as_int()));
  }
  const base::Json* list = json.find("keys");
  if (list == nullptr || !list->is_array())
    return base::invalid_input("API keys: \"keys\" is missing or not an array");
  if (json.as_object().size() != 2)
    return base::invalid_input("API keys: a member that is not known");
  if (list->as_array().size() > kKeysMax) {
    return base::exhausted(
        fmt::format("API keys: {} keys, limit {}", list->as_array().size(), kKeysMax));
  }
  ApiKeys keys;
  for (const base::Json& entry : list->as_array()) {
    keys.keys_.push_back(
        TRY(parse_key(entry).context(fmt::format("API keys: keys[{}]", keys.keys_.size()))));
  }
  std::vector<std::string_view> ids;
  for (const ApiKey& key : keys.keys_) ids.push_back(key.id);
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end())
    return base::invalid_input(fmt::format("API keys: id {} occurs twice", *twice));
  return keys;
}

base::Json ApiKeys::serialize() const {
  base::Json list = base::Json::array();
  for (const ApiKey& key : keys_) {
    list.push_back(base::Json::object({{"id", key.id},
                                       {"name", key.name},
                                       {"created", key.created},
                                       {"salt", key.salt},
                                       {"hash", key.hash},
                                       {"revoked", key.revoked}}));
  }
  return base::Json::object({{"version", 1}, {"keys", std::move(list)}});
}

base::Result<ApiKeys::Created> ApiKeys::create(std::string_view name,
                                               std::int64_t now_unix_seconds) {
  TRY(check_name(name));
  if (keys_.size() >= kKeysMax)
    return base::exhausted(fmt::format("there are {} API keys, the limit", kKeysMax));
  const auto has_id = [this](std::string_view id) {
    return std::any_of(keys_.begin(), keys_.end(),
                       [id](const ApiKey& key) { return key.id == id; });
  };
  ApiKey key;
  do {
    key.id = random_hex(kIdDigits / 2);
  } while (has_id(key.id));
  key.name = name;
  key.created = now_unix_seconds;
  key.salt = random_hex(kSaltBytes);
  const base::Secret secret = TRY(create_secret_digits());
  const auto salt = TRY(base::from_hex(key.salt));
  key.hash = base::to_hex(hash_secret(salt, secret.expose_text()));
  auto text = TRY(join_key(key.id, secret));
  Created created{key.id, std::move(text)};
  keys_.push_back(std::move(key));
  return created;
}

base::Status ApiKeys::revoke(std::string_view id) {
  for (ApiKey& key : keys_) {
    if (key.id != id) continue;
    key.revoked = true;
    return {};
  }
  return base::not_found("no API key has this id");
}

std::optional<KeyIdentity> ApiKeys::verify(std::string_view presented) const {
  if (presented.size() != kKeyDigits || !presented.starts_with(kPrefix)) return std::nullopt;
  const auto id = presented.substr(kPrefix.size(), kIdDigits);
  const auto secret = presented.substr(kPrefix.size() + kIdDigits + 1);
  if (presented[kPrefix.size() + kIdDigits] != '_' || !is_hex(id, kIdDigits)) return std::nullopt;
  // The id is no secret: finding it may take as long as it takes. Of the secret only its hash is
  // compared.
  for (const ApiKey& key : keys_) {
    if (key.id != id) continue;
    const auto salt = base::from_hex(key.salt);
    const auto expected = base::from_hex(key.hash);
    if (!salt.ok() || !expected.ok()) return std::nullopt;
    const bool right =
        base::equal_constant_time(hash_secret(salt.value(), secret), expected.value());
    if (!right || key.revoked) return std::nullopt;
    return KeyIdentity{key.id, key.name, tenant_of(key.id)};
  }
  return std::nullopt;
}

}  // namespace daemon_auth
