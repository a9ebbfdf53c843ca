#include "daemon/audit/records/record_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace daemon_audit {
namespace {

bool fits(std::string_view pattern, std::string_view type) {
  if (!pattern.ends_with('*')) return pattern == type;
  return type.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool says(const base::Json& body, std::string_view name, std::string_view value) {
  const base::Json* member = body.find(name);
  return member != nullptr && member->is_string() && member->as_string() == value;
}

std::optional<std::int64_t> unit_seconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return 86'400;
    default:
      return std::nullopt;
  }
}

// Nothing: not a duration.
std::optional<std::int64_t> parse_duration_us(std::string_view text) {
  constexpr std::int64_t kCountMax = 10'000'000;
  if (text.size() < 2) return std::nullopt;
  const auto seconds = unit_seconds(text.back());
  std::int64_t count = 0;
  const char* end = text.data() + text.size() - 1;
  const auto read = std::from_chars(text.data(), end, count);
  if (!seconds || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  if (count < 0 || count > kCountMax) return std::nullopt;
  return count * *seconds * 1'000'000;
}

}  // namespace

bool RecordFilter::wants_type(std::string_view type) const {
  return types.empty() ||
         std::any_of(types.begin(), types.end(),
                     [type](const std::string& pattern) { return fits(pattern, type); });
}

bool RecordFilter::wants(const Record& record) const {
  if (!wants_type(record.type)) return false;
  if (from_us && record.time_us < *from_us) return false;
  if (to_us && record.time_us >= *to_us) return false;
  if (!key.empty() && !says(record.body, "key", key)) return false;
  if (!tag.empty() && !says(record.body, "tag", tag)) return false;
  if (!request.empty() && !says(record.body, "request", request)) return false;
  return outcome.empty() || says(record.body, "outcome", outcome) ||
         says(record.body, "code", outcome);
}

base::Status check_type_pattern(std::string_view pattern) {
  const auto types = event_types();
  if (std::any_of(types.begin(), types.end(),
                  [pattern](const EventType& type) { return fits(pattern, type.name); })) {
    return {};
  }
  return base::invalid_input("no type of record fits that pattern (daemon/audit/RECORDS.md)");
}

std::string_view peek_type(std::string_view record) {
  constexpr std::string_view kBefore = R"(,"type":")";
  constexpr std::string_view kAfter = R"(","v":1})";
  if (!record.ends_with(kAfter)) return {};
  record.remove_suffix(kAfter.size());
  const auto quote = record.rfind('"');
  if (quote == record.npos) return {};
  const auto type = record.substr(quote + 1);
  record.remove_suffix(type.size());
  return record.ends_with(kBefore) ? type : std::string_view();
}

base::Result<std::int64_t> parse_when(std::string_view text, std::int64_t now_us) {
  constexpr std::string_view kRest = "T00:00:00.000000Z";
  if (const auto ago = parse_duration_us(text)) return std::max<std::int64_t>(now_us - *ago, 0);
  const std::string_view given = text.ends_with('Z') ? text.substr(0, text.size() - 1) : text;
  constexpr std::size_t kDate = 10, kMinute = 16, kSecond = 19, kWhole = 26;
  const bool known_length = given.size() == kDate || given.size() == kMinute ||
                            given.size() == kSecond ||
                            (given.size() > kSecond + 1 && given.size() <= kWhole);
  if (known_length) {
    const auto time =
        parse_time_us(std::string(given) + std::string(kRest.substr(given.size() - kDate)));
    if (time.ok()) return time;
  }
  return base::invalid_input(
      "not a time (2026-11-21, 2026-11-21T18:05:09Z) and not a duration (90s, 15m, 12h, 30d)");
}

}  // namespace daemon_audit
