// Sealed texts against what the Python package `cryptography` writes and reads.
#include "daemon/audit/seal/sealed_text.h"

#include <gtest/gtest.h>

#include "hardening/base/hex.h"

namespace daemon_audit {
namespace {

// The private key 00 01 … 1f, as `cryptography` writes it.
constexpr std::string_view kPrivatePem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view kPublicPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VuAyEAj0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=\n"
    "-----END PUBLIC KEY-----\n";
// {"model":"demo"} for req-0123, sealed to it by `cryptography`.
constexpr std::string_view kSealedHex =
    "bedd85cceb03e73dd119aa21581a0278d2784daf2e9b7237af119297c0dc377a"
    "afd3b502e55f4d832f2abbbf31573c01c761c689d302f00c32db8b905ca6ff36";

std::string foreign_sealed() {
  std::string sealed = "redoubt-sealed-1\n";
  const auto bytes = base::from_hex(kSealedHex).value();
  for (const std::byte byte : bytes) {
    sealed.push_back(static_cast<char>(byte));
  }
  return sealed;
}

OpeningKey opening_key() {
  return OpeningKey::parse_pem(kPrivatePem).value();
}
SealingKey sealing_key() {
  return SealingKey::parse_pem(kPublicPem).value();
}

TEST(SealedTextTest, OpensWhatAnotherImplementationSealed) {
  const auto opened = open_text(opening_key(), "req-0123", foreign_sealed());
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened.value(), R"({"model":"demo"})");
}

TEST(SealedTextTest, WritesKeysAsTheyWereRead) {
  EXPECT_EQ(opening_key().pem().value().expose_text(), kPrivatePem);
  EXPECT_EQ(opening_key().public_pem().value(), kPublicPem);
}

TEST(SealedTextTest, OpensWhatItSealedAndForNoOtherRequest) {
  const OpeningKey key = OpeningKey::generate().value();
  const SealingKey to = SealingKey::parse_pem(key.public_pem().value()).value();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20}) {
    const std::string text(size, 'x');
    const std::string sealed = seal_text(to, "req-1", text).value();
    EXPECT_EQ(sealed.size(), text.size() + kSealedOverheadBytes);
    EXPECT_EQ(open_text(key, "req-1", sealed).value(), text);
    EXPECT_EQ(open_text(key, "req-2", sealed).error().code, base::ErrorCode::kDenied);
    EXPECT_EQ(open_text(opening_key(), "req-1", sealed).error().code, base::ErrorCode::kDenied);
  }
}

TEST(SealedTextTest, SealsTheSameTextDifferentlyEachTime) {
  EXPECT_NE(seal_text(sealing_key(), "r", "t").value(), seal_text(sealing_key(), "r", "t").value());
}

TEST(SealedTextTest, RefusesAnotherHeaderAndEveryCut) {
  std::string other = foreign_sealed();
  other[15] = '2';
  EXPECT_EQ(open_text(opening_key(), "req-0123", other).error().code,
            base::ErrorCode::kInvalidInput);
  const std::string whole = foreign_sealed();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(open_text(opening_key(), "req-0123", whole.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(open_text(opening_key(), "req-0123", whole + "x").ok());
}

TEST(SealedTextTest, RefusesTextsBeyondTheLimit) {
  const std::string largest(kSealedBytesMax - kSealedOverheadBytes, 'x');
  EXPECT_EQ(seal_text(sealing_key(), "r", largest).value().size(), kSealedBytesMax);
  EXPECT_EQ(seal_text(sealing_key(), "r", largest + "x").error().code, base::ErrorCode::kExhausted);
  EXPECT_EQ(open_text(opening_key(), "r", std::string(kSealedBytesMax + 1, 'x')).error().code,
            base::ErrorCode::kExhausted);
}

TEST(SealedTextTest, RefusesKeysThatCannotSeal) {
  // Ed25519, RFC 8410 section 10.1.
  EXPECT_EQ(SealingKey::parse_pem("-----BEGIN PUBLIC KEY-----\n"
                                  "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                  "-----END PUBLIC KEY-----\n")
                .error()
                .code,
            base::ErrorCode::kUnsupported);
  EXPECT_NE(SealingKey::parse_pem(kPrivatePem).error().message.find("private"), std::string::npos);
  // The point zero.
  EXPECT_EQ(SealingKey::parse_pem("-----BEGIN PUBLIC KEY-----\n"
                                  "MCowBQYDK2VuAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                                  "-----END PUBLIC KEY-----\n")
                .error()
                .code,
            base::ErrorCode::kDenied);
  EXPECT_FALSE(SealingKey::parse_pem("").ok());
  EXPECT_FALSE(OpeningKey::parse_pem(kPublicPem).ok());
}

}  // namespace
}  // namespace daemon_audit
