// HSS/LMS hash-based signatures (RFC 8554), verified: SHA-256 with full (RFC 8554) and 192-bit
// output (SP 800-208, RFC 9858), every height and Winternitz width, 1 to 8 levels.
//
// There is no signing here and there will be none: a signing key that is copied or set back signs
// twice with one one-time key, and is broken. SP 800-208 wants it in hardware that counts.
#ifndef PROVISIONING_SIGNATURES_LMS_H_
#define PROVISIONING_SIGNATURES_LMS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "hardening/base/result.h"

namespace provisioning {

inline constexpr std::size_t kLmsHashBytesMax = 32;
inline constexpr std::size_t kHssLevelsMax = 8;  // RFC 8554, section 6

// One tree's public key (RFC 8554, section 5.3).
struct LmsPublicKey {
  std::size_t hash_bytes = 0;  // m of the tree and n of its one-time keys: 32 or 24
  std::uint32_t height = 0;    // 5, 10, 15, 20 or 25
  std::uint32_t width = 0;     // 1, 2, 4 or 8 bits to a chain (Winternitz)
  std::array<std::byte, 16> identifier{};
  std::array<std::byte, kLmsHashBytesMax> root{};  // the first hash_bytes of it
};

class HssPublicKey {
 public:
  // The public key of RFC 8554, section 6.1: the number of levels and the key of the topmost tree.
  // kUnsupported for types that are not of the sets above; a tree and one-time keys of unlike
  // hashes are no such set.
  static base::Result<HssPublicKey> parse(std::span<const std::byte> bytes);

  // "lms-sha256-m24-h15-w8", with more levels than one "hss2-sha256-…": that of the topmost tree.
  std::string suite() const;

  // kDenied unless the signature is this key's over the message. All trees below the topmost use
  // its hash (SP 800-208, section 4), whatever their heights and widths. Costs at most 8 x 8,700
  // hashes and no memory.
  base::Status verify(std::span<const std::byte> message,
                      std::span<const std::byte> signature) const;

 private:
  std::uint32_t levels_ = 1;
  LmsPublicKey top_;
};

}  // namespace provisioning

#endif  // PROVISIONING_SIGNATURES_LMS_H_
