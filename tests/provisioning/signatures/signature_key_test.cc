#include "provisioning/signatures/signature_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/sha256.h"
#include "provisioning/signatures/spki.h"

namespace provisioning {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

constexpr std::string_view kVectors = "tests/vectors/signatures/";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string read_vector(std::string_view name, std::string_view ending) {
  return base::read_text_file(std::string(kVectors).append(name).append(ending), 1u << 20).value();
}

bool can_sign(std::string_view suite) {
  const auto rows = suites_at_hand();
  return std::ranges::any_of(
      rows, [&](const SuiteSupport& row) { return row.name == suite && row.signs; });
}

class EverySigningSuite : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    if (!can_sign(GetParam())) GTEST_SKIP() << GetParam() << " is not in the OpenSSL at hand";
  }
};

TEST_P(EverySigningSuite, SignsWhatItsPublicKeyVerifiesAndNothingElse) {
  const SigningKey key = SigningKey::generate(GetParam()).value();
  const VerifyKey public_key = key.verify_key().value();
  EXPECT_EQ(public_key.suite(), GetParam());
  auto signature = key.sign(bytes_of("message")).value();
  EXPECT_TRUE(public_key.verify(bytes_of("message"), signature).ok());
  EXPECT_EQ(public_key.verify(bytes_of("messagE"), signature).error().code, ErrorCode::kDenied);
  EXPECT_EQ(public_key.verify(bytes_of(""), signature).error().code, ErrorCode::kDenied);
  const VerifyKey other = SigningKey::generate(GetParam()).value().verify_key().value();
  EXPECT_EQ(other.verify(bytes_of("message"), signature).error().code, ErrorCode::kDenied);
}

TEST_P(EverySigningSuite, RefusesEveryTruncationAndATrailingByte) {
  const SigningKey key = SigningKey::generate(GetParam()).value();
  const VerifyKey public_key = key.verify_key().value();
  auto signature = key.sign(bytes_of("message")).value();
  for (std::size_t size = 0; size < signature.size(); size += 1 + signature.size() / 128) {
    EXPECT_FALSE(public_key.verify(bytes_of("message"), std::span(signature).first(size)).ok())
        << size;
  }
  signature.push_back(std::byte{0});
  EXPECT_FALSE(public_key.verify(bytes_of("message"), signature).ok());
}

TEST_P(EverySigningSuite, RefusesEveryFlippedBitOfASignature) {
  const SigningKey key = SigningKey::generate(GetParam()).value();
  const VerifyKey public_key = key.verify_key().value();
  const auto signature = key.sign(bytes_of("message")).value();
  const std::size_t step = signature.size() > 1000 ? 61 : 1;  // of a long one, a sample
  for (std::size_t bit = 0; bit < signature.size() * 8; bit += step) {
    auto changed = signature;
    changed[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    EXPECT_FALSE(public_key.verify(bytes_of("message"), changed).ok()) << bit;
  }
}

TEST_P(EverySigningSuite, SurvivesItsPemWithAndWithoutPassword) {
  const SigningKey key = SigningKey::generate(GetParam()).value();
  const base::Secret password = base::Secret::create("correct horse").value();
  const base::Secret wrong = base::Secret::create("wrong").value();
  const base::Secret open = key.serialize_pem(nullptr).value();
  const base::Secret locked = key.serialize_pem(&password).value();
  EXPECT_THAT(std::string(locked.expose_text()), HasSubstr("ENCRYPTED"));

  const std::string id = key.verify_key().value().id();
  EXPECT_EQ(SigningKey::parse_pem(open, nullptr).value().verify_key().value().id(), id);
  EXPECT_EQ(SigningKey::parse_pem(locked, &password).value().verify_key().value().id(), id);
  EXPECT_EQ(SigningKey::parse_pem(locked, &wrong).error().code, ErrorCode::kDenied);
  EXPECT_EQ(SigningKey::parse_pem(locked, nullptr).error().code, ErrorCode::kDenied);
}

TEST_P(EverySigningSuite, PublicKeysKeepTheirIdWhateverTheFileLooksLike) {
  const VerifyKey key = SigningKey::generate(GetParam()).value().verify_key().value();
  EXPECT_EQ(key.id(), base::to_hex(sha256(key.pem())));
  std::string dressed = "# release officer 1\n" + key.pem() + "\n\n";
  for (std::size_t at = 0; (at = dressed.find('\n', at)) != dressed.npos; at += 2)
    dressed.insert(at, 1, '\r');
  const VerifyKey again = VerifyKey::parse_pem(dressed).value();
  EXPECT_EQ(again.id(), key.id());
  EXPECT_EQ(again.pem(), key.pem());
  EXPECT_FALSE(VerifyKey::parse_pem(key.pem() + key.pem()).ok());
}

INSTANTIATE_TEST_SUITE_P(Suites, EverySigningSuite,
                         testing::Values("ecdsa-p384-sha384", "ed25519", "ml-dsa-87"),
                         [](const auto& suite) {
                           std::string name(suite.param);
                           std::erase(name, '-');
                           return name;
                         });

TEST(VerifyKey, OfP384HasTheIdThatModelSigningGivesIt) {
  const auto oms = PrivateKey::generate(Curve::kP384).value().public_key().value();
  const VerifyKey key = VerifyKey::parse_pem(oms.pem()).value();
  EXPECT_EQ(key.pem(), oms.pem());
  EXPECT_EQ(key.id(), oms.hint());
}

struct Case {
  std::string_view file;
  std::string_view named;
};

TEST(VerifyKey, RefusesWhatNoSuiteHasAndNamesIt) {
  for (const Case& one :
       {Case{"rsa2048", "rsaEncryption"}, Case{"p256", "prime256v1"}, Case{"p521", "secp521r1"},
        Case{"secp256k1", "secp256k1"}, Case{"p384_explicit", "explicit curve parameters"},
        Case{"p384_compressed", "uncompressed"}, Case{"ed448", "ED448"},
        Case{"ml_dsa_65", "a key of algorithm"}}) {
    const auto key = VerifyKey::parse_pem(read_vector(one.file, ".pub.pem"));
    ASSERT_FALSE(key.ok()) << one.file;
    EXPECT_EQ(key.error().code, ErrorCode::kUnsupported) << one.file;
    EXPECT_THAT(key.error().message, HasSubstr(std::string(one.named)));
  }
}

TEST(VerifyKey, RefusesASecondEncodingOfAKeyAndPointsThatAreNone) {
  for (const Case& one :
       {Case{"p384_long_length", "not written as DER has it"},
        Case{"p384_trailing", "bytes follow"}, Case{"p384_off_curve", "ecdsa-p384-sha384 key"},
        Case{"ed25519_small_order", "small order"},
        Case{"ed25519_not_canonical", "one encoding"}}) {
    const auto key = VerifyKey::parse_pem(read_vector(one.file, ".pub.pem"));
    ASSERT_FALSE(key.ok()) << one.file;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalidInput) << one.file;
    EXPECT_THAT(key.error().message, HasSubstr(std::string(one.named)));
  }
}

TEST(VerifyKey, RefusesWhatIsNoPublicKey) {
  const SigningKey key = SigningKey::generate("ed25519").value();
  EXPECT_FALSE(VerifyKey::parse_pem("").ok());
  EXPECT_FALSE(
      VerifyKey::parse_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").ok());
  EXPECT_EQ(VerifyKey::parse_pem(std::string(70'000, ' ')).error().code, ErrorCode::kExhausted);
  EXPECT_THAT(
      VerifyKey::parse_pem(key.serialize_pem(nullptr).value().expose_text()).error().message,
      HasSubstr("PRIVATE KEY"));
}

TEST(VerifyKey, EveryTruncationOfItsDerIsRefused) {
  const std::string pem = read_vector("p384", ".pub.pem");
  const Bytes der = public_pem_to_der(pem).value();
  EXPECT_EQ(der_to_public_pem(der), pem);
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(VerifyKey::parse_pem(der_to_public_pem(std::span(der).first(size))).ok()) << size;
  }
}

base::Status verify_vector(std::string_view key, std::string_view signature) {
  return VerifyKey::parse_pem(read_vector(key, ".pub.pem"))
      .value()
      .verify(bytes_of(read_vector("message", ".bin")), bytes_of(read_vector(signature, ".sig")));
}

TEST(VerifyKey, TakesSignaturesThatAnotherImplementationMade) {
  EXPECT_TRUE(verify_vector("p384", "p384").ok());
  EXPECT_TRUE(verify_vector("ed25519", "ed25519").ok());
  // s and n - s both hold: that is ECDSA, and why the bytes of a signature identify nothing.
  EXPECT_TRUE(verify_vector("p384", "p384_twin").ok());
}

TEST(VerifyKey, RefusesEcdsaThatIsNotOfItsRecipe) {
  for (const std::string_view other :
       {"p384_sha256", "p384_raw", "p384_zero", "p384_beyond", "ed25519"}) {
    EXPECT_EQ(verify_vector("p384", other).error().code, ErrorCode::kDenied) << other;
  }
}

TEST(VerifyKey, OfMlDsa87IsReadEverywhereAndVerifiesWhereOpensslHasIt) {
  EXPECT_EQ(VerifyKey::parse_pem(read_vector("ml_dsa_87", ".pub.pem")).value().suite(),
            "ml-dsa-87");
  const auto verdict = verify_vector("ml_dsa_87", "ml_dsa_87");
  if (!can_sign("ml-dsa-87")) {
    EXPECT_EQ(verdict.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(SigningKey::generate("ml-dsa-87").error().code, ErrorCode::kUnsupported);
    GTEST_SKIP() << "ml-dsa-87: " << verdict.error().message;
  }
  EXPECT_TRUE(verdict.ok());
  EXPECT_EQ(verify_vector("ml_dsa_87", "ml_dsa_87_context").error().code, ErrorCode::kDenied);
}

TEST(SigningKey, RefusesKeysOfNoSuite) {
  EXPECT_EQ(SigningKey::generate("rsa-4096").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(SigningKey::generate("lms").error().code, ErrorCode::kUnsupported);
  const base::Secret p256 =
      PrivateKey::generate(Curve::kP256).value().serialize_pem(nullptr).value();
  EXPECT_EQ(SigningKey::parse_pem(p256, nullptr).error().code, ErrorCode::kUnsupported);
  const base::Secret junk = base::Secret::create("junk").value();
  EXPECT_EQ(SigningKey::parse_pem(junk, nullptr).error().code, ErrorCode::kInvalidInput);
}

TEST(SigningKey, WhoseHalvesAreOfTwoPairsDoesNotSign) {
  const base::Secret pem = base::Secret::create(read_vector("p384_two_halves", ".key.pem")).value();
  const auto key = SigningKey::parse_pem(pem, nullptr);
  if (key.ok()) {
    EXPECT_FALSE(key.value().sign(bytes_of("message")).ok());
  }
}

TEST(Suites, AtHandAreKnownAnswerTested) {
  const auto rows = suites_at_hand();
  ASSERT_EQ(rows.size(), 4u);
  for (const SuiteSupport& row : rows) {
    if (row.name != "ml-dsa-87") {
      EXPECT_TRUE(row.verifies) << row.name << ": " << row.why;
    }
    EXPECT_EQ(row.why.empty(), row.verifies && row.signs) << row.name;
    EXPECT_EQ(row.signs, row.verifies && row.name != "lms") << row.name;
  }
}

}  // namespace
}  // namespace provisioning
