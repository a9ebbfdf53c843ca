// Text from clients as a terminal may show it. What could steer the terminal, end the line or turn
// the order of letters (control characters, C1 included; U+2028 and U+2029; bidirectional controls;
// what has no width) is written \uXXXX, and a backslash as two: two texts that differ look it.
#ifndef DAEMON_AUDIT_RECORDS_SAFE_TEXT_H_
#define DAEMON_AUDIT_RECORDS_SAFE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace daemon_audit {

// At most `characters_max` characters of `text`, then "…". Bytes that are not UTF-8 become U+FFFD.
std::string safe_text(std::string_view text, std::size_t characters_max = 128);

// A whole JSON text: the same value, on the same lines, without those characters. Newlines stay.
std::string safe_json(std::string_view json);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_RECORDS_SAFE_TEXT_H_
