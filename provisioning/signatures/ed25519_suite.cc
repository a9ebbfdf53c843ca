// ed25519: RFC 8032, keys as in RFC 8410.
#include <algorithm>
#include <array>

#include "hardening/base/hex.h"
#include "provisioning/signatures/suite.h"

namespace provisioning {
namespace {

constexpr std::size_t kKeyBytes = 32;

// The y coordinates, low byte first, of the points whose order divides 8. Under such a "key" there
// are signatures that hold for any message, made by nobody.
constexpr std::array<std::string_view, 5> kSmallOrder{
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
};

// Whether y is below the prime 2^255 - 19; RFC 8032 section 5.1.3 refuses others, which would be
// second names of points.
bool is_canonical(std::span<const std::byte> y) {
  const bool all_ones =
      std::ranges::all_of(y.subspan(1, 30), [](std::byte b) { return b == std::byte{0xFF}; });
  return !(all_ones && y[31] == std::byte{0x7F} && y[0] >= std::byte{0xED});
}

}  // namespace

const PkeyRecipe kEd25519Recipe{"ed25519", "ED25519", nullptr, nullptr};

base::Result<PublicHalf> parse_ed25519_key(const Spki& spki) {
  if (!spki.parameters.empty()) return base::invalid_input("an Ed25519 key with parameters");
  if (spki.key.size() != kKeyBytes)
    return base::invalid_input("an Ed25519 key that is not 32 bytes");
  Bytes y = spki.key;
  y[31] &= std::byte{0x7F};  // the sign of x
  if (!is_canonical(y))
    return base::invalid_input("an Ed25519 key that is not in its one encoding");
  if (std::ranges::find(kSmallOrder, base::to_hex(y)) != kSmallOrder.end()) {
    return base::invalid_input("an Ed25519 key of small order, under which anybody signs");
  }
  return make_pkey_half(kEd25519Recipe, spki);
}

// RFC 8032, section 7.1, test 3.
base::Status self_test_ed25519() {
  return check_known_answer(
      "302a300506032b6570032100fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
}

}  // namespace provisioning
