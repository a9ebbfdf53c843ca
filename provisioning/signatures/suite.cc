#include "provisioning/signatures/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hardening/base/hex.h"

namespace provisioning {
namespace {

// Object identifiers as DER has them.
constexpr std::string_view kEcPublicKey =
    "\x2A\x86\x48\xCE\x3D\x02\x01";                    // RFC 5480: 1.2.840.10045.2.1
constexpr std::string_view kEd25519 = "\x2B\x65\x70";  // RFC 8410: 1.3.101.112
constexpr std::string_view kMlDsa87 =
    "\x60\x86\x48\x01\x65\x03\x04\x03\x13";  // RFC 9881: 2.16.840.1.101.3.4.3.19
constexpr std::string_view kHssLms =
    "\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x11";  // RFC 9708: 1.2.840.113549.1.9.16.3.17

constexpr std::array<Suite, 4> kSuites{{
    {"ecdsa-p384-sha384", kEcPublicKey, parse_ecdsa_key, &kEcdsaRecipe, self_test_ecdsa},
    {"ed25519", kEd25519, parse_ed25519_key, &kEd25519Recipe, self_test_ed25519},
    {"ml-dsa-87", kMlDsa87, parse_ml_dsa_key, &kMlDsaRecipe, self_test_ml_dsa},
    {"lms", kHssLms, parse_lms_key, nullptr, self_test_lms},
}};

}  // namespace

std::span<const Suite> all_suites() {
  return kSuites;
}

base::Result<PublicHalf> parse_public_half(const Spki& spki) {
  for (const Suite& suite : kSuites) {
    if (std::ranges::equal(std::as_bytes(std::span(suite.algorithm)), spki.algorithm))
      return suite.parse(spki);
  }
  return base::unsupported(
      fmt::format("a key of algorithm {}; ECDSA P-384, Ed25519, ML-DSA-87 and LMS sign releases",
                  oid_name(spki.algorithm)));
}

base::Status check_known_answer(std::string_view spki, std::string_view message,
                                std::string_view signature) {
  const Spki parsed = TRY(parse_spki(TRY(base::from_hex(spki))));
  const PublicHalf half = TRY(parse_public_half(parsed));
  const Bytes text = TRY(base::from_hex(message));
  Bytes answer = TRY(base::from_hex(signature));
  TRY(half.verifier->verify(text, answer).context("known answer"));
  answer.back() ^= std::byte{1};
  if (half.verifier->verify(text, answer).ok())
    return base::corrupt("known answer: a changed signature verifies");
  return {};
}

}  // namespace provisioning
