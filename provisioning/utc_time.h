// Times as our documents write them: RFC 3339 in UTC with "Z" and whole seconds,
// "2026-11-21T18:00:00Z", and nothing else.
#ifndef PROVISIONING_UTC_TIME_H_
#define PROVISIONING_UTC_TIME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace provisioning {

inline constexpr std::int64_t kUtcTimeMax = 253'402'300'799;  // the last second of the year 9999

// Unix seconds. Refuses dates there are not, leap seconds, years before 1970, offsets, fractions
// and lower case.
base::Result<std::int64_t> parse_utc_time(std::string_view text);
// Requires 0 to kUtcTimeMax.
std::string format_utc_time(std::int64_t unix_seconds);

}  // namespace provisioning

#endif  // PROVISIONING_UTC_TIME_H_
