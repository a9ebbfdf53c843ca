// What the body of each type of record must and may contain (daemon/audit/RECORDS.md sections 1 to
// 3), as a table. Whoever reports something can say no more than this: no field is there for a
// prompt, an answer or a key.
#ifndef DAEMON_AUDIT_RECORDS_BODY_SCHEMA_H_
#define DAEMON_AUDIT_RECORDS_BODY_SCHEMA_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_audit {

enum class BodyKind : std::uint8_t {
  kText,     // at most `max` bytes
  kDigest,   // SHA-256, 64 hexadecimal digits
  kTime,     // as in the envelope
  kBool,     //
  kCount,    // an integer from 0 to `max`
  kInteger,  // within ±(2^53 - 1)
  kNumber,   // finite
  kTexts,    // an array of texts, each at most `max` bytes
  kObject,   // of `members`
  kObjects,  // an array of such
  kOpen,     // any value: what a role says of its sandbox, what a command has found out
};

struct BodyField {
  std::string_view name;
  BodyKind kind = BodyKind::kText;
  bool required = false;
  std::int64_t max = 0;
  std::span<const BodyField> members = {};
};

// Empty: no such type.
std::span<const BodyField> body_fields(std::string_view type);

// kInvalidInput names the first member that is missing, unknown or not what it has to be, and never
// repeats what stands in it.
base::Status check_body(std::string_view type, const base::Json& body);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_RECORDS_BODY_SCHEMA_H_
