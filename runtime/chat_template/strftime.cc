#include "runtime/chat_template/strftime.h"

#include <fmt/format.h>

namespace runtime::chat_template {
namespace {

constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};

struct Time {
  std::int64_t year;
  int month;     // from 1
  int day;       // from 1
  int year_day;  // from 1
  int week_day;  // from 0, Sunday
  int hour;
  int minute;
  int second;
};

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool is_leap(std::int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

// The civil date of a day number, by 400-year eras that begin on 1 March (H. Hinnant,
// "chrono-compatible low-level date algorithms", days from civil).
Time split(std::int64_t unix_seconds) {
  const std::int64_t days = floor_divide(unix_seconds, 86400);
  const auto rest = static_cast<int>(unix_seconds - days * 86400);
  const std::int64_t shifted = days + 719468;
  const std::int64_t era = floor_divide(shifted, 146097);
  const std::int64_t era_day = shifted - era * 146097;
  const std::int64_t era_year =
      (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
  const auto march_day =
      static_cast<int>(era_day - (365 * era_year + era_year / 4 - era_year / 100));
  const int march_month = (5 * march_day + 2) / 153;
  Time time{};
  time.day = march_day - (153 * march_month + 2) / 5 + 1;
  time.month = march_month < 10 ? march_month + 3 : march_month - 9;
  time.year = era_year + era * 400 + (time.month <= 2 ? 1 : 0);
  const int january_offset = is_leap(time.year) ? 60 : 59;
  time.year_day = march_day < 306 ? march_day + january_offset + 1 : march_day - 305;
  time.week_day = static_cast<int>(((days % 7) + 11) % 7);
  time.hour = rest / 3600;
  time.minute = rest / 60 % 60;
  time.second = rest % 60;
  return time;
}

class TimeFormatter {
 public:
  explicit TimeFormatter(std::int64_t unix_seconds) : time_(split(unix_seconds)) {}

  base::Result<std::string> run(std::string_view format) {
    for (std::size_t i = 0; i < format.size(); ++i) {
      if (format[i] != '%') {
        out_ += format[i];
        continue;
      }
      plain_ = i + 1 < format.size() && format[i + 1] == '-';
      i += plain_ ? 2 : 1;
      const char letter = i < format.size() ? format[i] : '\0';
      if (!number(letter) && !word(letter)) {
        return base::unsupported("a date directive that strftime_now does not know");
      }
    }
    return std::move(out_);
  }

 private:
  void digits(int value, int width, char fill = '0') {
    out_ += plain_        ? fmt::format("{}", value)
            : fill == '0' ? fmt::format("{:0{}}", value, width)
                          : fmt::format("{:{}}", value, width);
  }

  int hour12() const { return time_.hour % 12 == 0 ? 12 : time_.hour % 12; }
  int monday_based() const { return (time_.week_day + 6) % 7; }

  bool number(char letter) {
    switch (letter) {
      case 'd':
        digits(time_.day, 2);
        return true;
      case 'e':
        digits(time_.day, 2, ' ');
        return true;
      case 'f':
        out_ += "000000";
        return true;
      case 'H':
        digits(time_.hour, 2);
        return true;
      case 'I':
        digits(hour12(), 2);
        return true;
      case 'j':
        digits(time_.year_day, 3);
        return true;
      case 'k':
        digits(time_.hour, 2, ' ');
        return true;
      case 'l':
        digits(hour12(), 2, ' ');
        return true;
      case 'm':
        digits(time_.month, 2);
        return true;
      case 'M':
        digits(time_.minute, 2);
        return true;
      case 'S':
        digits(time_.second, 2);
        return true;
      case 'u':
        digits(monday_based() + 1, 1);
        return true;
      case 'U':
        digits((time_.year_day + 6 - time_.week_day) / 7, 2);
        return true;
      case 'w':
        digits(time_.week_day, 1);
        return true;
      case 'W':
        digits((time_.year_day + 6 - monday_based()) / 7, 2);
        return true;
      case 'y':
        digits(static_cast<int>(((time_.year % 100) + 100) % 100), 2);
        return true;
      case 'Y':
        out_ += fmt::format("{}", time_.year);
        return true;
      default:
        return false;
    }
  }

  bool word(char letter) {
    const std::string_view day = kDays[time_.week_day];
    const std::string_view month = kMonths[time_.month - 1];
    switch (letter) {
      case 'a':
        out_ += day.substr(0, 3);
        return true;
      case 'A':
        out_ += day;
        return true;
      case 'b':
      case 'h':
        out_ += month.substr(0, 3);
        return true;
      case 'B':
        out_ += month;
        return true;
      case 'p':
        out_ += time_.hour < 12 ? "AM" : "PM";
        return true;
      case 'n':
        out_ += '\n';
        return true;
      case 't':
        out_ += '\t';
        return true;
      case '%':
        out_ += '%';
        return true;
      case 'Z':
      case 'z':
        return true;
      case 'c':
        out_ += fmt::format("{} {} {:2} ", day.substr(0, 3), month.substr(0, 3), time_.day);
        clock();
        out_ += fmt::format(" {}", time_.year);
        return true;
      case 'D':
      case 'x':
        out_ += fmt::format("{:02}/{:02}/{:02}", time_.month, time_.day, time_.year % 100);
        return true;
      case 'F':
        out_ += fmt::format("{}-{:02}-{:02}", time_.year, time_.month, time_.day);
        return true;
      case 'R':
        out_ += fmt::format("{:02}:{:02}", time_.hour, time_.minute);
        return true;
      case 'T':
      case 'X':
        clock();
        return true;
      default:
        return false;
    }
  }

  void clock() { out_ += fmt::format("{:02}:{:02}:{:02}", time_.hour, time_.minute, time_.second); }

  const Time time_;
  bool plain_ = false;
  std::string out_;
};

}  // namespace

base::Result<std::string> format_time(std::string_view format, std::int64_t unix_seconds) {
  // Years of four digits; outside of them nothing that asks for a date is meant.
  if (unix_seconds < 0 || unix_seconds > 253402300799) {
    return base::invalid_input("a time outside of the years 1970 to 9999");
  }
  return TimeFormatter(unix_seconds).run(format);
}

}  // namespace runtime::chat_template
