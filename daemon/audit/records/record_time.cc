// Times as records have them (RFC 3339 section 5.6, always six digits of fraction, always "Z").
#include <fmt/format.h>

#include <chrono>

#include "daemon/audit/records/record.h"
#include "hardening/base/check.h"

namespace daemon_audit {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z";
constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;

bool has_shape(std::string_view text) {
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return false;
  }
  return true;
}

// Requires digits.
unsigned number_at(std::string_view text, std::size_t begin, std::size_t count) {
  unsigned number = 0;
  for (const char c : text.substr(begin, count))
    number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

}  // namespace

std::string format_time_us(std::int64_t time_us) {
  CHECK(time_us >= 0 && time_us <= kRecordTimeUsMax);
  const year_month_day date{sys_days{days{time_us / kDayUs}}};
  const std::int64_t of_day = time_us % kDayUs;
  const std::int64_t seconds = of_day / 1'000'000;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     seconds / 3'600, seconds / 60 % 60, seconds % 60, of_day % 1'000'000);
}

base::Result<std::int64_t> parse_time_us(std::string_view text) {
  if (!has_shape(text)) return base::invalid_input("not a time like 2026-11-21T18:05:09.123456Z");
  const int year = static_cast<int>(number_at(text, 0, 4));
  const year_month_day date{std::chrono::year{year}, std::chrono::month{number_at(text, 5, 2)},
                            std::chrono::day{number_at(text, 8, 2)}};
  const unsigned hour = number_at(text, 11, 2);
  const unsigned minute = number_at(text, 14, 2);
  const unsigned second = number_at(text, 17, 2);
  if (year < 1970 || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return base::invalid_input("a time outside the calendar, or before 1970");
  }
  const std::int64_t seconds = std::int64_t{hour} * 3'600 + std::int64_t{minute} * 60 + second;
  return sys_days{date}.time_since_epoch().count() * kDayUs + seconds * 1'000'000 +
         number_at(text, 20, 6);
}

}  // namespace daemon_audit
