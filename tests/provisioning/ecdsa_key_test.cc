#include "provisioning/ecdsa_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace provisioning {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

class EveryCurve : public testing::TestWithParam<Curve> {};

TEST_P(EveryCurve, SignsWhatItsPublicKeyVerifiesAndNothingElse) {
  const PrivateKey key = PrivateKey::generate(GetParam()).value();
  const PublicKey public_key = key.public_key().value();
  auto signature = key.sign(bytes_of("message")).value();
  EXPECT_TRUE(public_key.verify(bytes_of("message"), signature).ok());
  EXPECT_FALSE(public_key.verify(bytes_of("messagE"), signature).ok());
  EXPECT_FALSE(PrivateKey::generate(GetParam()).value().public_key().value().verify(bytes_of("message"), signature).ok());
  signature.back() ^= std::byte{1};
  EXPECT_FALSE(public_key.verify(bytes_of("message"), signature).ok());
}

TEST_P(EveryCurve, SurvivesItsPemWithAndWithoutPassword) {
  const PrivateKey key = PrivateKey::generate(GetParam()).value();
  const base::Secret password = base::Secret::create("correct horse").value();
  const base::Secret wrong = base::Secret::create("wrong").value();
  const base::Secret open = key.serialize_pem(nullptr).value();
  const base::Secret locked = key.serialize_pem(&password).value();

  const std::string hint = key.public_key().value().hint();
  EXPECT_EQ(PrivateKey::parse_pem(open, nullptr).value().public_key().value().hint(), hint);
  EXPECT_EQ(PrivateKey::parse_pem(locked, &password).value().public_key().value().hint(), hint);
  EXPECT_EQ(PrivateKey::parse_pem(locked, &wrong).error().code, base::ErrorCode::kDenied);
  EXPECT_EQ(PrivateKey::parse_pem(locked, nullptr).error().code, base::ErrorCode::kDenied);
}

INSTANTIATE_TEST_SUITE_P(Curves, EveryCurve, testing::Values(Curve::kP256, Curve::kP384, Curve::kP521),
                         [](const auto& curve) {
                           std::string name(curve_name(curve.param));
                           std::erase(name, '-');
                           return name;
                         });

TEST(PublicKey, RefusesKeysThatAreNotOnACurveOfTheFormat) {
  // openssl genpkey -algorithm ed25519 | openssl pkey -pubout
  constexpr std::string_view kEd25519 =
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEAKdMe/S+hHbEyzSCLMC975pijpUtJBmzazjEIf9IE3BU=\n"
      "-----END PUBLIC KEY-----\n";
  // openssl ecparam -name secp256k1 -genkey | openssl ec -pubout
  constexpr std::string_view kSecp256k1 =
      "-----BEGIN PUBLIC KEY-----\n"
      "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAExPlaW+0RbqyFTUSC3lTWKW+9PuPwILIt\n"
      "dBiiQ8pSGZq077Z3BOOJ6ZQz/tw1/GBrFc/zyTcbmrcen+hnPZ/TiQ==\n"
      "-----END PUBLIC KEY-----\n";
  EXPECT_EQ(PublicKey::parse_pem(kEd25519).error().code, base::ErrorCode::kUnsupported);
  EXPECT_EQ(PublicKey::parse_pem(kSecp256k1).error().code, base::ErrorCode::kUnsupported);
  EXPECT_FALSE(PublicKey::parse_pem("").ok());
  EXPECT_FALSE(PublicKey::parse_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").ok());
  EXPECT_EQ(PublicKey::parse_pem(std::string(1 << 20, 'x')).error().code, base::ErrorCode::kExhausted);
}

}  // namespace
}  // namespace provisioning
