#include "provisioning/signatures/lms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/signatures/signature_key.h"
#include "provisioning/signatures/spki.h"

namespace provisioning {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

const std::string kVectors = "tests/vectors/lms/";

struct Vector {
  std::string suite;
  Bytes public_key;
  Bytes message;
  Bytes signature;
};

Vector read_vector(const std::string& name) {
  const base::Json json =
      base::Json::parse(base::read_text_file(kVectors + name + ".json", 1u << 20).value()).value();
  const auto hex = [&](const char* key) {
    return base::from_hex(json.find(key)->as_string()).value();
  };
  return {json.find("suite")->as_string(), hex("public"), hex("message"), hex("signature")};
}

bool verifies(const Vector& vector) {
  const auto key = HssPublicKey::parse(vector.public_key);
  return key.ok() && key.value().verify(vector.message, vector.signature).ok();
}

Bytes flipped(const Bytes& bytes, std::size_t bit) {
  Bytes changed = bytes;
  changed[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  return changed;
}

TEST(Lms, TakesEveryVectorAndNamesItsSuite) {
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(kVectors)) {
    if (file.path().extension() != ".json") continue;
    const Vector vector = read_vector(file.path().stem());
    EXPECT_EQ(HssPublicKey::parse(vector.public_key).value().suite(), vector.suite) << file.path();
    EXPECT_TRUE(verifies(vector)) << file.path();
    ++count;
  }
  EXPECT_EQ(count, 24u);
}

// Vectors of one level and of two, of either hash length.
class Hostile : public testing::TestWithParam<std::string> {
 protected:
  const Vector vector_ = read_vector(GetParam());
};

// Bytes of a signature are all alike but for the type codes, so that long signatures are sampled:
// with an odd step, which meets every bit of a byte, and every bit of the first 64 bytes.
TEST_P(Hostile, NoFlippedBitOfASignatureVerifies) {
  const HssPublicKey key = HssPublicKey::parse(vector_.public_key).value();
  const std::size_t bits = vector_.signature.size() * 8;
  for (std::size_t bit = 0; bit < bits; bit += bit < 512 ? 1 : bits / 150 | 1) {
    EXPECT_EQ(key.verify(vector_.message, flipped(vector_.signature, bit)).error().code,
              ErrorCode::kDenied)
        << bit;
  }
}

TEST_P(Hostile, NoFlippedBitOfAKeyOrMessageVerifies) {
  for (std::size_t bit = 0; bit < vector_.public_key.size() * 8; ++bit) {
    EXPECT_FALSE(
        verifies({"", flipped(vector_.public_key, bit), vector_.message, vector_.signature}))
        << bit;
  }
  for (std::size_t bit = 0; bit < vector_.message.size() * 8; bit += 7) {
    EXPECT_FALSE(
        verifies({"", vector_.public_key, flipped(vector_.message, bit), vector_.signature}))
        << bit;
  }
}

TEST_P(Hostile, NoTruncationAndNoTrailingByteVerifies) {
  const HssPublicKey key = HssPublicKey::parse(vector_.public_key).value();
  for (std::size_t size = 0; size < vector_.signature.size(); ++size) {
    EXPECT_FALSE(key.verify(vector_.message, std::span(vector_.signature).first(size)).ok())
        << size;
  }
  Bytes longer = vector_.signature;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(key.verify(vector_.message, longer).ok());
  for (std::size_t size = 0; size < vector_.public_key.size(); ++size) {
    EXPECT_FALSE(HssPublicKey::parse(std::span(vector_.public_key).first(size)).ok()) << size;
  }
  Bytes longer_key = vector_.public_key;
  longer_key.push_back(std::byte{0});
  EXPECT_EQ(HssPublicKey::parse(longer_key).error().code, ErrorCode::kInvalidInput);
}

INSTANTIATE_TEST_SUITE_P(Vectors, Hostile,
                         testing::Values("rfc8554_1", "rfc8554_2", "rfc9858_1", "hsslms_m24_w4",
                                         "hsslms_m32_w1"),
                         [](const auto& vector) { return vector.param; });

// `bytes` with the 4 bytes at `offset` replaced.
Bytes with_number(Bytes bytes, std::size_t offset, std::uint32_t number) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes[offset + i] = static_cast<std::byte>(number >> (24 - 8 * i) & 0xFF);
  return bytes;
}

TEST(Lms, RefusesTypesOutsideItsSetsByNumber) {
  const Vector vector = read_vector("rfc9858_1");
  for (const std::uint32_t tree : {0u, 1u, 4u, 0x0Fu, 0x14u, 0xFFFFFFFFu}) {
    const auto key = HssPublicKey::parse(with_number(vector.public_key, 4, tree));
    EXPECT_EQ(key.error().code, ErrorCode::kUnsupported) << tree;
    EXPECT_THAT(key.error().message, HasSubstr("LMS type")) << tree;
  }
  for (const std::uint32_t one_time : {0u, 9u, 0x10u, 0x80000008u}) {
    const auto key = HssPublicKey::parse(with_number(vector.public_key, 8, one_time));
    EXPECT_EQ(key.error().code, ErrorCode::kUnsupported) << one_time;
    EXPECT_THAT(key.error().message, HasSubstr("LM-OTS type")) << one_time;
  }
  EXPECT_THAT(HssPublicKey::parse(with_number(vector.public_key, 8, 4)).error().message,
              HasSubstr("another length"));
  for (const std::uint32_t levels : {0u, 9u, 0xFFFFFFFFu}) {
    EXPECT_EQ(HssPublicKey::parse(with_number(vector.public_key, 0, levels)).error().code,
              ErrorCode::kUnsupported);
  }
}

TEST(Lms, RefusesALeafBeyondTheTree) {
  Vector vector = read_vector("rfc9858_1");
  vector.signature = with_number(vector.signature, 4, 5 + 32);  // its leaf is 5, the tree has 32
  EXPECT_FALSE(verifies(vector));
}

TEST(Lms, OneLevelsSignatureIsNotTwoLevels) {
  Vector vector = read_vector("hsslms_l2");
  vector.public_key = with_number(vector.public_key, 0, 1);
  EXPECT_FALSE(verifies(vector));
  vector.signature = with_number(vector.signature, 0, 0);
  EXPECT_FALSE(verifies(vector));
}

// Object identifier 1.2.840.113549.1.9.16.3.17 (RFC 9708).
constexpr std::string_view kAlgorithm = "\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x11";

TEST(Lms, KeysComeAsPublicKeyPem) {
  const Vector vector = read_vector("tall_m24_h15");
  const auto algorithm = std::as_bytes(std::span(kAlgorithm));
  const std::string pem = der_to_public_pem(make_spki(algorithm, {}, vector.public_key));
  const VerifyKey key = VerifyKey::parse_pem(pem).value();
  EXPECT_EQ(key.suite(), "lms-sha256-m24-h15-w8");
  EXPECT_EQ(key.pem(), pem);
  EXPECT_TRUE(key.verify(vector.message, vector.signature).ok());
  EXPECT_FALSE(key.verify(vector.signature, vector.signature).ok());

  // With parameters, even empty ones, it would be a second encoding of the key.
  const Bytes null{std::byte{5}, std::byte{0}};
  EXPECT_FALSE(
      VerifyKey::parse_pem(der_to_public_pem(make_spki(algorithm, null, vector.public_key))).ok());
  // RFC 8708 put the key into an OCTET STRING; RFC 9708 does not.
  Bytes wrapped{std::byte{4}, static_cast<std::byte>(vector.public_key.size())};
  wrapped.insert(wrapped.end(), vector.public_key.begin(), vector.public_key.end());
  EXPECT_FALSE(VerifyKey::parse_pem(der_to_public_pem(make_spki(algorithm, {}, wrapped))).ok());
}

}  // namespace
}  // namespace provisioning
