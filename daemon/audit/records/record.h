// One record of the log: its envelope (daemon/audit/RECORDS.md), and who may report what.
#ifndef DAEMON_AUDIT_RECORDS_RECORD_H_
#define DAEMON_AUDIT_RECORDS_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_audit {

inline constexpr std::size_t kRecordBytesMax = 63'488;
inline constexpr std::size_t kRecordBodyBytesMax = 61'440;
inline constexpr std::size_t kRequestIdBytesMax = 64;
inline constexpr std::size_t kRecordHostBytesMax = 255;
inline constexpr std::size_t kRecordDepthMax =
    16;  // nested arrays and objects, the envelope is one
inline constexpr std::uint64_t kRecordIndexMax = (std::uint64_t{1} << 48) - 1;
inline constexpr std::int64_t kRecordTimeUsMax =
    253'402'300'799'999'999;  // the end of the year 9999

enum class Reporter : std::uint8_t { kGateway, kSupervisor, kAuditor };
std::string_view reporter_name(Reporter reporter);

struct EventType {
  std::string_view name;  // "request.admitted"
  Reporter reporter;
};
std::span<const EventType> event_types();
// Null: nobody reports such a thing.
const EventType* find_event_type(std::string_view name);

struct Record {
  std::uint64_t index = 0;
  std::int64_t time_us = 0;  // since 1970, UTC
  std::int64_t monotonic_us = 0;
  std::string boot;  // 32 hexadecimal digits
  std::string host;
  Reporter role = Reporter::kAuditor;
  std::string type;
  base::Json body = base::Json::object();

  // Canonical JSON, its members in this order: body, boot, host, index, monotonic_us, role, time,
  // type, v. kInvalidInput, kExhausted: what cannot be a record.
  base::Result<std::string> serialize() const;
  // Only canonical records with every member, of a known type and its reporter. Does not look into
  // the body.
  static base::Result<Record> parse(std::string_view text);
};

// "2026-11-21T18:05:09.123456Z". Requires 0 to kRecordTimeUsMax.
std::string format_time_us(std::int64_t time_us);
// Exactly that form, years 1970 to 9999.
base::Result<std::int64_t> parse_time_us(std::string_view text);

}  // namespace daemon_audit

#endif  // DAEMON_AUDIT_RECORDS_RECORD_H_
