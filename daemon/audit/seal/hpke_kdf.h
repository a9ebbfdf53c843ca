// HKDF-SHA256 (RFC 5869) with HPKE's labels (RFC 9180 section 4), and HMAC-SHA256 under both.
#ifndef DAEMON_AUDIT_SEAL_HPKE_KDF_H_
#define DAEMON_AUDIT_SEAL_HPKE_KDF_H_

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/secret.h"

namespace daemon_audit {

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Key material for as long as one message is worked on; wiped at the end.
template <std::size_t N>
struct SecretBytes {
  SecretBytes() = default;
  SecretBytes(const SecretBytes&) = default;
  SecretBytes& operator=(const SecretBytes&) = default;
  ~SecretBytes() { base::wipe(bytes); }

  std::string_view text() const { return as_text(bytes); }
  std::string copy() const { return std::string(text()); }

  std::array<std::byte, N> bytes{};
};

SecretBytes<32> hmac_sha256(std::string_view key, std::string_view message);

// `suite` is suite_id of section 4.1 or 5.1.
SecretBytes<32> labeled_extract(std::string_view suite, std::string_view salt,
                                std::string_view label, std::string_view key_material);
// At most 32 bytes: one block of HKDF.
void labeled_expand(std::string_view suite, const SecretBytes<32>& key, std::string_view label,
                    std::string_view info, std::span<std::byte> out);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_SEAL_HPKE_KDF_H_
