#include "provisioning/utc_time.h"

#include <fmt/format.h>

#include <chrono>

#include "hardening/base/check.h"

namespace provisioning {
namespace {

constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";  // d: a digit

bool has_shape(std::string_view text) {
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool fits = kShape[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == kShape[i];
    if (!fits) return false;
  }
  return true;
}

int number_at(std::string_view text, std::size_t begin, std::size_t digits) {
  int number = 0;
  for (const char digit : text.substr(begin, digits)) number = number * 10 + (digit - '0');
  return number;
}

}  // namespace

base::Result<std::int64_t> parse_utc_time(std::string_view text) {
  if (!has_shape(text))
    return base::invalid_input("not a time written as \"2026-11-21T18:00:00Z\"");
  const std::chrono::year_month_day date{
      std::chrono::year(number_at(text, 0, 4)),
      std::chrono::month(static_cast<unsigned>(number_at(text, 5, 2))),
      std::chrono::day(static_cast<unsigned>(number_at(text, 8, 2)))};
  const int hour = number_at(text, 11, 2);
  const int minute = number_at(text, 14, 2);
  const int second = number_at(text, 17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59)
    return base::invalid_input("a time that there is not");
  if (date.year() < std::chrono::year(1970)) return base::invalid_input("a time before 1970");
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86'400 + hour * 3'600 + minute * 60 + second;
}

std::string format_utc_time(std::int64_t unix_seconds) {
  CHECK(unix_seconds >= 0 && unix_seconds <= kUtcTimeMax);
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(unix_seconds / 86'400))};
  const std::int64_t in_day = unix_seconds % 86'400;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     in_day / 3'600, in_day / 60 % 60, in_day % 60);
}

}  // namespace provisioning
