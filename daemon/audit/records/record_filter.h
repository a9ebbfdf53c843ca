// Which records somebody wants to see.
#ifndef DAEMON_AUDIT_RECORDS_RECORD_FILTER_H_
#define DAEMON_AUDIT_RECORDS_RECORD_FILTER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/audit/records/record.h"
#include "hardening/base/result.h"

namespace daemon_audit {

// Everything that is given must fit.
struct RecordFilter {
  std::optional<std::int64_t> from_us = {};  // at or after
  std::optional<std::int64_t> to_us = {};    // before
  std::vector<std::string> types =
      {};  // one of them: a type, or its beginning and '*': "request.*"
  std::string key = {};
  std::string tag = {};
  std::string request = {};
  std::string outcome = {};  // or the error's code

  bool wants_type(std::string_view type) const;
  bool wants(const Record& record) const;
};

// kInvalidInput: a pattern that no type fits.
base::Status check_type_pattern(std::string_view pattern);

// A record's type from its last bytes, without reading the rest: what a client sends cannot stand
// there. Empty: no record.
std::string_view peek_type(std::string_view record);

// "2026-11-21", "2026-11-21T18:05", with seconds, with a fraction; UTC, "Z" or not. Or that long
// ago: "90s", "15m", "12h", "30d".
base::Result<std::int64_t> parse_when(std::string_view text, std::int64_t now_us);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_RECORDS_RECORD_FILTER_H_
