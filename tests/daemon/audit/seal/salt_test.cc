// Salted digests; what they must be was computed with Python's hmac and hashlib.
#include "daemon/audit/seal/salt.h"

#include <gtest/gtest.h>

#include <numeric>

#include "hardening/base/hex.h"

namespace daemon_audit {
namespace {

base::Secret site_key() {
  std::array<std::byte, kSiteKeyBytes> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  return base::Secret::create(bytes).value();
}

TEST(SaltTest, IsTheHmacOfTheRequestId) {
  EXPECT_EQ(base::to_hex(make_salt(site_key(), "req-0123")),
            "7f59c5347c4acd4dd72df12ed66ad74e1f1b9f2e22718b09bb6b79a330291a07");
}

TEST(SaltTest, DigestsTextsAndTokensAfterTheSalt) {
  const Salt salt = make_salt(site_key(), "req-0123");
  constexpr std::string_view kDigest =
      "c2874d5c0172e02827a1a1ccf02e13271b2bd8a7ddc38e74316d370d8ebfde97";
  EXPECT_EQ(digest_body(salt, R"({"model":"demo"})"), kDigest);
  EXPECT_EQ(digest_text(salt, R"({"model":"demo"})"), kDigest);
  EXPECT_EQ(digest_tokens(salt, 2, std::vector<std::int32_t>{5, -1, 70000}),
            "7d19f1bc9d35f9a497db5baa30b1fd45522ec991ef52bcf8568dd608e9805742");
}

TEST(SaltTest, TellsRequestsAndChoicesApart) {
  const Salt salt = make_salt(site_key(), "req-0123");
  const Salt other = make_salt(site_key(), "req-0124");
  EXPECT_NE(digest_body(salt, "a"), digest_body(other, "a"));
  EXPECT_NE(digest_tokens(salt, 0, {}), digest_tokens(salt, 1, {}));
}

}  // namespace
}  // namespace daemon_audit
