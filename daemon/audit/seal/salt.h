// Salted digests of what clients sent and got (daemon/audit/RECORDS.md section 4).
#ifndef DAEMON_AUDIT_SEAL_SALT_H_
#define DAEMON_AUDIT_SEAL_SALT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/secret.h"

namespace daemon_audit {

inline constexpr std::size_t kSiteKeyBytes = 32;
using Salt = std::array<std::byte, 32>;

Salt make_salt(const base::Secret& site_key, std::string_view request_id);
// The same for a role whose sandbox permits no locked memory; kSiteKeyBytes bytes.
Salt make_salt(std::string_view site_key, std::string_view request_id);

// Hexadecimal.
std::string digest_body(const Salt& salt, std::string_view body);
std::string digest_text(const Salt& salt, std::string_view text);
std::string digest_tokens(const Salt& salt, std::uint32_t choice,
                          std::span<const std::int32_t> tokens);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_SEAL_SALT_H_
