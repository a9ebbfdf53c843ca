// What was used, from the log alone: sums over request.finished. All of it is integers, so that two
// who add up the same log get the same.
#ifndef DAEMON_AUDIT_RECORDS_USAGE_H_
#define DAEMON_AUDIT_RECORDS_USAGE_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "daemon/audit/records/record.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_audit {

enum class UsageBy : std::uint8_t { kKey, kTag, kModel, kDay };

struct UsageSum {
  std::uint64_t ok = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t failed = 0;  // every other outcome
  std::uint64_t lost = 0;    // request.lost: no outcome is known, nothing else is counted of them
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t device_us = 0;

  std::uint64_t finished() const { return ok + cancelled + failed; }
  // kExhausted: a sum beyond 2^64 - 1, which no log of this world reaches.
  base::Status add(const UsageSum& other);
  friend bool operator==(const UsageSum&, const UsageSum&) = default;
};

class Usage {
 public:
  explicit Usage(UsageBy by) : by_(by) {}

  static bool wants(std::string_view type);            // of these records it wants to be told
  static constexpr std::size_t kLinesMax = 1'000'000;  // clients choose tags

  // kInvalidInput names the member that is not what it has to be; kExhausted: too many lines.
  base::Status add(const Record& record);

  struct Line {
    std::string day;   // "2026-11-21", UTC
    std::string name;  // the key, tag or model; empty: none was given, or by day, or of a lost one
    friend auto operator<=>(const Line&, const Line&) = default;
  };
  const std::map<Line, UsageSum>& lines() const { return lines_; }
  const UsageSum& total() const { return total_; }

 private:
  UsageBy by_;
  std::map<Line, UsageSum> lines_;
  UsageSum total_;
};

base::Result<UsageBy> parse_usage_by(std::string_view text);  // "key", "tag", "model", "day"
std::string_view usage_by_name(UsageBy by);

// {"by", "lines": [{"day", BY, …}], "total": {…}}
base::Json usage_json(const Usage& usage, UsageBy by);
// RFC 4180, with a heading; no formula can begin in a field (a leading = + - @ gets a quote before
// it). Without a total: whoever reads it adds up.
std::string usage_csv(const Usage& usage, UsageBy by);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_RECORDS_USAGE_H_
