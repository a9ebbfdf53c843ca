// What the text formats of C2SP are made of: lines, decimal numbers, base64 (RFC 4648 section 4).
// Each value has exactly one text.
#ifndef DAEMON_AUDIT_TLOG_TEXT_FIELDS_H_
#define DAEMON_AUDIT_TLOG_TEXT_FIELDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/audit/tlog/hash.h"
#include "hardening/base/result.h"

namespace daemon_audit {

// Takes a line and its newline from the front of `text`; the view lies in it. kInvalidInput names
// `what` when no newline is left.
base::Result<std::string_view> take_line(std::string_view& text, std::string_view what);

// Without leading zeros, at most `max`.
base::Result<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max,
                                          std::string_view what);

std::string encode_base64(std::string_view bytes);
// The standard alphabet alone, padded.
base::Result<std::string> decode_base64(std::string_view text, std::string_view what);

std::string encode_hash(const Hash& hash);
base::Result<Hash> decode_hash(std::string_view text, std::string_view what);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_TLOG_TEXT_FIELDS_H_
