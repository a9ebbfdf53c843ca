// API keys: who may ask. Kept as salted hashes; the key itself is shown once, when it is made.
//
// A key reads "rdk_<id>_<secret>": id 12 lower-case hex digits, secret 64 (256 random bits). The
// file is one JSON object {"version":1,"keys":[{"id","name","created","salt","hash","revoked"}…]},
// hash = HMAC-SHA-256(salt, secret): the secret has full entropy, so a slow password hash would
// protect nothing and cost every request.
#ifndef DAEMON_AUTH_API_KEYS_H_
#define DAEMON_AUTH_API_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "hardening/base/secret.h"

namespace daemon_auth {

struct ApiKey {
  std::string id;
  std::string name;          // for people: letters, digits, '-', '_', '.', at most 64
  std::int64_t created = 0;  // unix seconds
  std::string salt;          // hex, 16 bytes
  std::string hash;          // hex, 32 bytes
  bool revoked = false;
};

struct KeyIdentity {
  std::string id;
  std::string name;
  std::uint64_t tenant = 0;  // the id as a number
};

class ApiKeys {
 public:
  static constexpr std::size_t kKeysMax = 10'000;

  static base::Result<ApiKeys> parse(const base::Json& json);
  base::Json serialize() const;

  struct Created {
    std::string id;
    base::Secret key;  // the whole "rdk_…" text
  };
  base::Result<Created> create(std::string_view name, std::int64_t now_unix_seconds);
  base::Status revoke(std::string_view id);

  // The holder of a presented key, or nothing. Time does not depend on how much of the secret is
  // right.
  std::optional<KeyIdentity> verify(std::string_view presented) const;

  const std::vector<ApiKey>& keys() const { return keys_; }

 private:
  std::vector<ApiKey> keys_;
};

}  // namespace daemon_auth

#endif  // DAEMON_AUTH_API_KEYS_H_
