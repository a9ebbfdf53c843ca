#include "daemon/config/toml_subset.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/utf8.h"

namespace daemon_config {
namespace {

bool is_control(char c) {
  return (c >= '\0' && c < ' ' && c != '\t') || c == '\x7F';
}
bool is_ascii(char c) {
  return c >= '\0';
}

// The place after the text that opens at `at`, or the end of a line that does not close it.
std::size_t after_quoted(std::string_view line, std::size_t at) {
  const char quote = line[at];
  for (std::size_t i = at + 1; i < line.size(); ++i) {
    if (line[i] == quote) return i + 1;
    if (line[i] == '\\' && quote == '"') ++i;  // literal texts ('…') know no escapes
  }
  return line.size();
}

// Where the comment begins, or the end of the line. No line begins inside a text, since none may
// span lines.
std::size_t find_comment(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && line[at] != '#') {
    const bool quoted = line[at] == '"' || line[at] == '\'';
    at = quoted ? after_quoted(line, at) : at + 1;
  }
  return std::min(at, line.size());
}

// What is wrong with a line, given its part before the comment; or nothing.
std::string_view find_fault(std::string_view line, std::string_view code) {
  if (!base::is_utf8(line)) return "bytes that are not UTF-8";
  if (std::any_of(line.begin(), line.end(), is_control)) return "a control character";
  if (!std::all_of(code.begin(), code.end(), is_ascii)) {
    return "a character beyond ASCII outside of a comment; in a text, write it as \"\\u00FC\"";
  }
  const bool multi_line = code.find("\"\"\"") != code.npos || code.find("'''") != code.npos;
  return multi_line ? "a text over several lines" : "";
}

}  // namespace

base::Result<std::string> reduce_toml(std::string_view text, std::string_view file) {
  std::string reduced;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view code = line.substr(0, find_comment(line));
    const std::string_view fault = find_fault(line, code);
    if (!fault.empty()) return base::invalid_input(fmt::format("{}:{}: {}", file, number, fault));
    reduced.append(code).append("\n");
  }
  return reduced;
}

}  // namespace daemon_config
