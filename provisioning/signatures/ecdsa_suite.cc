// ecdsa-p384-sha384: FIPS 186-5 on P-384 with SHA-384, signatures in ASN.1 DER. OMS keys on P-256
// and P-521 are provisioning/ecdsa_key.h's.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "provisioning/signatures/suite.h"

namespace provisioning {
namespace {

constexpr std::size_t kPointBytes = 1 + 2 * 48;
constexpr std::byte kObjectIdentifier{0x06};
constexpr std::byte kUncompressed{0x04};
// secp384r1, 1.3.132.0.34, as an element (RFC 5480, section 2.1.1.1).
constexpr std::array kP384{std::byte{0x06}, std::byte{0x05}, std::byte{0x2B}, std::byte{0x81},
                           std::byte{0x04}, std::byte{0x00}, std::byte{0x22}};

std::string describe_curve(std::span<const std::byte> parameters) {
  if (parameters.size() < 3 || parameters[0] != kObjectIdentifier)
    return "with explicit curve parameters";
  return "on curve " + oid_name(parameters.subspan(2));
}

}  // namespace

const PkeyRecipe kEcdsaRecipe{"ecdsa-p384-sha384", "EC", "P-384", "SHA2-384"};

base::Result<PublicHalf> parse_ecdsa_key(const Spki& spki) {
  if (!std::ranges::equal(spki.parameters, kP384)) {
    return base::unsupported(
        fmt::format("an elliptic-curve key {}; ecdsa-p384-sha384 takes the named curve P-384 alone",
                    describe_curve(spki.parameters)));
  }
  // A compressed point would be a second encoding, and so a second id, of the same key.
  if (spki.key.size() != kPointBytes || spki.key[0] != kUncompressed) {
    return base::unsupported(
        "an elliptic-curve key whose point is not written in full (uncompressed)");
  }
  return make_pkey_half(kEcdsaRecipe, spki);
}

// RFC 6979, section A.2.6: P-384 with SHA-384, message "sample".
base::Status self_test_ecdsa() {
  return check_known_answer(
      "3076301006072a8648ce3d020106052b81040022036200"
      "04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a2545154"
      "80bc13"
      "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd253326"
      "4720",
      "73616d706c65",
      "3066"
      "02310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd"
      "1e80fabe46"
      "02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c7"
      "1a38628ac8");
}

}  // namespace provisioning
