// A signed statement of the time, for appliances without a clock they could trust: a DSSE envelope
// with payloadType application/vnd.redoubt.time+json and the payload
// {"type":"redoubt-time","format":1,"time":"2026-11-21T18:00:00Z"}, signed by role `time` of the
// trust root.
#ifndef PROVISIONING_TRUST_TIME_STATEMENT_H_
#define PROVISIONING_TRUST_TIME_STATEMENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "provisioning/trust/trust_root.h"

namespace provisioning {

inline constexpr std::size_t kTimeStatementBytesMax = 256u << 10;

// The payload to sign. kInvalidInput when the time is not one of 1970 to 9999.
base::Result<std::string> serialize_time_statement(std::int64_t unix_seconds);

// The time stated. kDenied unless those sign it whom the root gives the role.
base::Result<std::int64_t> open_time_statement(std::string_view envelope_text,
                                               const TrustRoot& root);

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_TIME_STATEMENT_H_
