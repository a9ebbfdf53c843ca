// HPKE against the vectors published with RFC 9180.
#include "daemon/audit/seal/hpke.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/audit/seal/hpke_kdf.h"
#include "hardening/base/hex.h"

namespace daemon_audit {
namespace {

std::string from_hex(std::string_view text) {
  const auto bytes = base::from_hex(text).value();
  return std::string(as_text(bytes));
}

std::string to_hex(std::string_view text) {
  return base::to_hex(std::as_bytes(std::span(text)));
}

X25519Bytes key_from_hex(std::string_view text) {
  const auto bytes = base::from_hex(text).value();
  X25519Bytes out{};
  std::copy_n(bytes.begin(), out.size(), out.begin());
  return out;
}

// test-vectors.json of the RFC's authors: mode 0, kem_id 32, kdf_id 1, aead_id 2, the first
// encryption.
constexpr std::string_view kRecipientPrivate =
    "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d";
constexpr std::string_view kRecipientPublic =
    "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c";
constexpr std::string_view kEphemeralPrivate =
    "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11";
constexpr std::string_view kEnc =
    "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256";
constexpr std::string_view kCiphertext =
    "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a";
constexpr std::string_view kInfo = "4f6465206f6e2061204772656369616e2055726e";
constexpr std::string_view kAad = "436f756e742d30";
constexpr std::string_view kPlaintext =
    "4265617574792069732074727574682c20747275746820626561757479";

TEST(HpkeTest, SealsThePublishedVector) {
  const std::string info = from_hex(kInfo);
  const std::string aad = from_hex(kAad);
  const auto sealed =
      hpke_seal_with(key_from_hex(kEphemeralPrivate), key_from_hex(kRecipientPublic),
                     {.info = info, .aad = aad}, from_hex(kPlaintext));
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(to_hex(sealed.value()), std::string(kEnc) + std::string(kCiphertext));
}

TEST(HpkeTest, OpensThePublishedVector) {
  const std::string info = from_hex(kInfo);
  const std::string aad = from_hex(kAad);
  const std::string sealed = from_hex(std::string(kEnc) + std::string(kCiphertext));
  const auto opened =
      hpke_open(key_from_hex(kRecipientPrivate), {.info = info, .aad = aad}, sealed);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(to_hex(opened.value()), kPlaintext);
}

TEST(HpkeTest, DerivesThePublishedPublicKeys) {
  EXPECT_EQ(base::to_hex(x25519_public(key_from_hex(kRecipientPrivate))), kRecipientPublic);
  EXPECT_EQ(base::to_hex(x25519_public(key_from_hex(kEphemeralPrivate))), kEnc);
}

TEST(HpkeTest, RefusesEveryBitThatIsChanged) {
  const std::string sealed =
      hpke_seal(key_from_hex(kRecipientPublic), {"info", "aad"}, "t").value();
  const X25519Bytes key = key_from_hex(kRecipientPrivate);
  ASSERT_EQ(hpke_open(key, {"info", "aad"}, sealed).value(), "t");
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    // X25519 leaves out the highest bit of a point (RFC 7748 section 5), yet enc is hashed whole.
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(hpke_open(key, {"info", "aad"}, changed).ok()) << bit;
  }
}

TEST(HpkeTest, RefusesAnotherInfoAadOrKey) {
  const std::string sealed =
      hpke_seal(key_from_hex(kRecipientPublic), {"info", "aad"}, "t").value();
  const X25519Bytes key = key_from_hex(kRecipientPrivate);
  EXPECT_EQ(hpke_open(key, {"infO", "aad"}, sealed).error().code, base::ErrorCode::kDenied);
  EXPECT_EQ(hpke_open(key, {"info", "aaD"}, sealed).error().code, base::ErrorCode::kDenied);
  EXPECT_EQ(hpke_open(key_from_hex(kEphemeralPrivate), {"info", "aad"}, sealed).error().code,
            base::ErrorCode::kDenied);
}

TEST(HpkeTest, RefusesWhatIsTooShort) {
  const X25519Bytes key = key_from_hex(kRecipientPrivate);
  for (std::size_t size = 0; size < kX25519Bytes + kHpkeTagBytes; ++size) {
    EXPECT_EQ(hpke_open(key, {}, std::string(size, 'a')).error().code,
              base::ErrorCode::kInvalidInput);
  }
}

// The points of order 1, 2, 4 and 8 of curve and twist, and their other encodings, as published
// with the curve.
TEST(HpkeTest, RefusesPointsOfLowOrder) {
  constexpr std::string_view kLowOrder[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
  for (const std::string_view hex : kLowOrder) {
    const X25519Bytes point = key_from_hex(hex);
    EXPECT_EQ(check_x25519_public(point).error().code, base::ErrorCode::kDenied) << hex;
    EXPECT_FALSE(hpke_seal(point, {}, "text").ok()) << hex;
    const std::string sealed = std::string(as_text(point)) + std::string(16, '\0');
    EXPECT_FALSE(hpke_open(key_from_hex(kRecipientPrivate), {}, sealed).ok()) << hex;
  }
  EXPECT_TRUE(check_x25519_public(key_from_hex(kRecipientPublic)).ok());
}

}  // namespace
}  // namespace daemon_audit
