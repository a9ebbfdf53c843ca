// Texts that nobody on the appliance can read back: HPKE to the auditor's key
// (daemon/audit/RECORDS.md section 5).
#ifndef DAEMON_AUDIT_SEAL_SEALED_TEXT_H_
#define DAEMON_AUDIT_SEAL_SEALED_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "hardening/base/secret.h"

namespace daemon_audit {

inline constexpr std::size_t kSealedOverheadBytes = 17 + 32 + 16;
inline constexpr std::size_t kSealedBytesMax = (std::size_t{34} << 20);

// X25519, raw.
struct SealingKey {
  std::string bytes;                                                // 32
  static base::Result<SealingKey> parse_pem(std::string_view pem);  // SPKI
};
struct OpeningKey {
  base::Secret bytes;  // 32
  static base::Result<OpeningKey> generate();
  static base::Result<OpeningKey> parse_pem(std::string_view pem);  // PKCS#8
  base::Result<base::Secret> pem() const;
  base::Result<std::string> public_pem() const;
};

// The bytes of a file of sealed/.
base::Result<std::string> seal_text(const SealingKey& key, std::string_view request_id,
                                    std::string_view text);
// kDenied: not sealed to this key, for this request, or changed.
base::Result<std::string> open_text(const OpeningKey& key, std::string_view request_id,
                                    std::string_view sealed);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_SEAL_SEALED_TEXT_H_
