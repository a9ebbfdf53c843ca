#include "provisioning/ecdsa_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "hardening/base/hex.h"

namespace provisioning {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class EveryCurve : public testing::TestWithParam<Curve> {};

TEST_P(EveryCurve, SignsWhatItsPublicKeyVerifiesAndNothingElse) {
  const PrivateKey key = PrivateKey::generate(GetParam()).value();
  const PublicKey public_key = key.public_key().value();
  auto signature = key.sign(bytes_of("message")).value();
  EXPECT_TRUE(public_key.verify(bytes_of("message"), signature).ok());
  EXPECT_FALSE(public_key.verify(bytes_of("messagE"), signature).ok());
  EXPECT_FALSE(PrivateKey::generate(GetParam())
                   .value()
                   .public_key()
                   .value()
                   .verify(bytes_of("message"), signature)
                   .ok());
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

INSTANTIATE_TEST_SUITE_P(Curves, EveryCurve,
                         testing::Values(Curve::kP256, Curve::kP384, Curve::kP521),
                         [](const auto& curve) {
                           std::string name(curve_name(curve.param));
                           std::erase(name, '-');
                           return name;
                         });

using Bytes = std::vector<std::byte>;
using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

Number number(const char* hex) {
  BIGNUM* made = nullptr;
  EXPECT_NE(BN_hex2bn(&made, hex), 0);
  return {made, BN_free};
}

Bytes der_of(const BIGNUM* r, const BIGNUM* s) {
  ECDSA_SIG* signature = ECDSA_SIG_new();
  EXPECT_EQ(ECDSA_SIG_set0(signature, BN_dup(r), BN_dup(s)), 1);
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(signature, &out);
  ECDSA_SIG_free(signature);
  const auto raw_bytes = std::as_bytes(std::span(out, static_cast<std::size_t>(size)));
  Bytes der(raw_bytes.begin(), raw_bytes.end());
  OPENSSL_free(out);
  return der;
}

class OneSignature : public testing::Test {
 protected:
  OneSignature() {
    const auto* at = reinterpret_cast<const unsigned char*>(der_.data());
    ECDSA_SIG* parsed = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der_.size()));
    r_.reset(BN_dup(ECDSA_SIG_get0_r(parsed)));
    s_.reset(BN_dup(ECDSA_SIG_get0_s(parsed)));
    ECDSA_SIG_free(parsed);
  }
  bool verifies(const Bytes& signature) const {
    return public_key_.verify(bytes_of("message"), signature).ok();
  }

  PrivateKey key_ = PrivateKey::generate(Curve::kP256).value();
  PublicKey public_key_ = key_.public_key().value();
  Bytes der_ = key_.sign(bytes_of("message")).value();
  Number r_{nullptr, BN_free};
  Number s_{nullptr, BN_free};
  Number order_ =
      number("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");  // SEC 2, 2.4.2
  Number zero_ = number("0");
};

TEST_F(OneSignature, IsTheDerOfTwoNumbersInRangeAndNothingElse) {
  EXPECT_TRUE(verifies(der_of(r_.get(), s_.get())));
  EXPECT_FALSE(verifies(der_of(zero_.get(), s_.get())));
  EXPECT_FALSE(verifies(der_of(r_.get(), zero_.get())));
  EXPECT_FALSE(verifies(der_of(zero_.get(), zero_.get())));
  EXPECT_FALSE(verifies(der_of(order_.get(), s_.get())));
  EXPECT_FALSE(verifies(der_of(r_.get(), order_.get())));
  ASSERT_EQ(BN_add(zero_.get(), s_.get(), order_.get()), 1);
  EXPECT_FALSE(verifies(der_of(r_.get(), zero_.get())));  // s + n

  Bytes longer = der_;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(verifies(longer));
  EXPECT_FALSE(verifies({der_.begin(), der_.end() - 1}));
  EXPECT_FALSE(verifies({}));
  Bytes plain(64);  // r || s
  BN_bn2binpad(r_.get(), reinterpret_cast<unsigned char*>(plain.data()), 32);
  BN_bn2binpad(s_.get(), reinterpret_cast<unsigned char*>(plain.data()) + 32, 32);
  EXPECT_FALSE(verifies(plain));
}

TEST_F(OneSignature, HasATwinSoItsBytesIdentifyNothing) {
  ASSERT_EQ(BN_sub(zero_.get(), order_.get(), s_.get()), 1);
  EXPECT_TRUE(verifies(der_of(r_.get(), zero_.get())));  // FIPS 186-5 allows both
}

TEST(PublicKey, TakesTheHashFromTheCurve) {
  // openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384; printf message | openssl dgst
  // -sha256|-sha384 -sign
  const PublicKey key =
      PublicKey::parse_pem(
          "-----BEGIN PUBLIC "
          "KEY-----"
          "\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEFY8mWH04m3PQsiol7htWIsTlhxNT8d9S\nWc6lVnb93cBu8sUFA1wX"
          "bWKWXtTFDER81HAJX/m7W5SSM4Ru9JrTBtrdkEC7RduS\nTQWSIWZAlekTy7QPgyo0AMIySpt3GUx/"
          "\n-----END PUBLIC KEY-----\n")
          .value();
  EXPECT_TRUE(key.verify(bytes_of("message"),
                         base::from_hex("3065023100a64b80decf2c36703a5f503308115bf9be60496028dd44c0"
                                        "2e72c7f1e5314a5c38b4f1f2250e001d0150e7"
                                        "b58f38d56802304ed884c43490651015ff5ba365672e5911fb7725926b"
                                        "128c18b49d1f30ae78b1f36eb074f1ae139ed8"
                                        "0687a9a0796e8f")
                             .value())
                  .ok());
  EXPECT_FALSE(key.verify(bytes_of("message"),
                          base::from_hex("3066023100fda6d1826de166929f5c5978b64d8113dc5553d92314fb3"
                                         "d82fbca456f665baea6eb531071487f48e4cac1"
                                         "1026721163023100c081397a3a14b4ef2e9ac70bfb34b201693cf53d5"
                                         "bea9eaa0da606781c2764cd7cebb278c86eb7bb"
                                         "b65cf9ca69d4fcbc")
                              .value())
                   .ok());
}

TEST(PublicKey, RefusesParametersInPlaceOfACurvesName) {
  // openssl ecparam -name prime256v1 -param_enc explicit -genkey | openssl pkey -pubout
  EXPECT_THAT(PublicKey::parse_pem(
                  "-----BEGIN PUBLIC "
                  "KEY-----\nMIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA\n"
                  "AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////\n"
                  "///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd\n"
                  "NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5\n"
                  "RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA\n"
                  "//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABJuCOlQGG8hwVn5lDJEmWWVo\n"
                  "yrBD0QwwbWZqX+Dj/SOMXMV7xBOexX3hAKSf6HUCYCN69PGF20CSUa/+hMk3zyw=\n-----END "
                  "PUBLIC KEY-----\n")
                  .error()
                  .message,
              testing::HasSubstr("explicit parameters"));
}

TEST(PublicKey, ReadsDerAndNothingBehindIt) {
  Bytes der =
      base::from_hex(
          "3059301306072a8648ce3d020106082a8648ce3d0301070342000492f8baf0b73b8df9e28c20c398f0ffc1d3"
          "b7f2dd72"
          "a7672caae1fe6f2f3b1373cb08c434921bb34b39d7f9c6dd33f3fdf96e7757f52a347b45fbc085d7e4f699")
          .value();
  EXPECT_TRUE(PublicKey::parse_der(der).ok());
  der.push_back(std::byte{0});
  EXPECT_THAT(PublicKey::parse_der(der).error().message, testing::HasSubstr("bytes follow"));
  EXPECT_FALSE(PublicKey::parse_der({}).ok());
}

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
  EVP_PKEY* rsa = EVP_RSA_gen(1024);
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(rsa, &der);
  EXPECT_EQ(PublicKey::parse_der(std::as_bytes(std::span(der, static_cast<std::size_t>(size))))
                .error()
                .code,
            base::ErrorCode::kUnsupported);
  OPENSSL_free(der);
  EVP_PKEY_free(rsa);
  EXPECT_FALSE(PublicKey::parse_pem("").ok());
  EXPECT_FALSE(
      PublicKey::parse_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").ok());
  EXPECT_EQ(PublicKey::parse_pem(std::string(1 << 20, 'x')).error().code,
            base::ErrorCode::kExhausted);
}

}  // namespace
}  // namespace provisioning
