// One line to standard error per event, with named fields: systemd's journal takes them from there.
//
//   <6>gateway: request finished id=req-17 status=200 tokens=84
//
// The "<N>" is the syslog priority (sd-daemon(3)); it is left out when standard error is a terminal. Field
// values are escaped: no byte of a client or a model file can forge a line. Never log prompt text or keys.
#ifndef HARDENING_BASE_LOG_H_
#define HARDENING_BASE_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace base {

enum class LogLevel : std::uint8_t { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6, kDebug = 7 };

struct LogField {
  LogField(std::string_view field_name, std::string_view field_value) : name(field_name), value(field_value) {}
  LogField(std::string_view field_name, std::int64_t field_value)
      : name(field_name), value(std::to_string(field_value)) {}

  std::string_view name;
  std::string value;
};

// A role has one, made in its main function and passed on. Lines are written whole, with one write(2).
class Logger {
 public:
  // `role` outlives the logger: it is a literal. Lines above `level_max` are dropped.
  explicit Logger(std::string_view role, LogLevel level_max = LogLevel::kInfo);

  void error(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void warning(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void notice(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) const;

 private:
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const;

  std::string_view role_;
  LogLevel level_max_;
  bool terminal_;
};

// The line without priority and newline; for tests and for `redoubt status`.
std::string format_log_line(std::string_view role, std::string_view message,
                            std::initializer_list<LogField> fields);

}  // namespace base

#endif  // HARDENING_BASE_LOG_H_
