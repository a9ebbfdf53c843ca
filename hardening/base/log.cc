#include "hardening/base/log.h"

#include <fmt/format.h>
#include <unistd.h>

namespace base {
namespace {

// Bytes outside printable ASCII become \xNN, so that a line stays one line whatever was put into it.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
}

}  // namespace

std::string format_log_line(std::string_view role, std::string_view message,
                            std::initializer_list<LogField> fields) {
  std::string line(role);
  line += ": ";
  append_escaped(line, message);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    const bool quoted = field.value.empty() || field.value.find_first_of(" =\"") != std::string::npos;
    if (quoted) line += '"';
    append_escaped(line, field.value);
    if (quoted) line += '"';
  }
  return line;
}

Logger::Logger(std::string_view role, LogLevel level_max)
    : role_(role), level_max_(level_max), terminal_(::isatty(STDERR_FILENO) == 1) {}

void Logger::error(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::kError, message, fields);
}
void Logger::warning(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::kWarning, message, fields);
}
void Logger::notice(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::kNotice, message, fields);
}
void Logger::info(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::kInfo, message, fields);
}
void Logger::debug(std::string_view message, std::initializer_list<LogField> fields) const {
  write(LogLevel::kDebug, message, fields);
}

void Logger::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
  if (level > level_max_) return;
  std::string line;
  if (!terminal_) line = fmt::format("<{}>", static_cast<int>(level));
  line += format_log_line(role_, message, fields);
  line += '\n';
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace base
