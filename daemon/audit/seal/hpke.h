// Hybrid public key encryption (RFC 9180) as far as sealed texts need it: one message to one
// recipient, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
#ifndef DAEMON_AUDIT_SEAL_HPKE_H_
#define DAEMON_AUDIT_SEAL_HPKE_H_

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::size_t kX25519Bytes = 32;
inline constexpr std::size_t kHpkeTagBytes = 16;

using X25519Bytes = std::array<std::byte, kX25519Bytes>;
using X25519View = std::span<const std::byte, kX25519Bytes>;

// A private key is any 32 bytes (RFC 7748 section 5 clamps them where they are used).
X25519Bytes x25519_public(X25519View private_key);

// kDenied: a public key of low order, with which every secret is zero (RFC 9180 section 7.1.4).
base::Status check_x25519_public(X25519View public_key);

// What both ends bind a message to.
struct HpkeContext {
  std::string_view info;
  std::string_view aad;
};

// enc (32 bytes), then the ciphertext with its tag. kDenied: the recipient's key is of low order;
// kExhausted: longer than OpenSSL counts.
base::Result<std::string> hpke_seal(X25519View recipient, const HpkeContext& context,
                                    std::string_view text);
// The same with a key that must be random and used once: hpke_seal() and published vectors.
base::Result<std::string> hpke_seal_with(X25519View ephemeral_private, X25519View recipient,
                                         const HpkeContext& context, std::string_view text);

// The inverse. kInvalidInput: too short to be anything; kDenied: not for this key and context, or
// changed.
base::Result<std::string> hpke_open(X25519View private_key, const HpkeContext& context,
                                    std::string_view sealed);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_SEAL_HPKE_H_
