#include "runtime/chat_template/tag_lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/string_literal.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

bool is_digit_char(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_char(char c) {
  return is_digit_char(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Digits with single underscores between them.
std::size_t digits_bytes(std::string_view text, std::string_view digits) {
  std::size_t end = 0;
  while (end < text.size()) {
    const std::size_t skip = end > 0 && text[end] == '_' ? 1 : 0;
    if (end + skip >= text.size() || digits.find(text[end + skip]) == digits.npos) break;
    end += skip + 1;
  }
  return end;
}

constexpr std::string_view kDecimal = "0123456789";

std::size_t fraction_bytes(std::string_view text) {
  if (text.empty() || text[0] != '.') return 0;
  const std::size_t digits = digits_bytes(text.substr(1), kDecimal);
  return digits == 0 ? 0 : digits + 1;
}

std::size_t exponent_bytes(std::string_view text) {
  if (text.empty() || (text[0] | 0x20) != 'e') return 0;
  const std::size_t sign = text.size() > 1 && (text[1] == '+' || text[1] == '-') ? 1 : 0;
  const std::size_t digits = digits_bytes(text.substr(1 + sign), kDecimal);
  return digits == 0 ? 0 : 1 + sign + digits;
}

// A float has a fraction, an exponent or both; 0 when there is none here.
std::size_t float_bytes(std::string_view text) {
  const std::size_t whole = digits_bytes(text, kDecimal);
  if (whole == 0) return 0;
  const std::size_t fraction = fraction_bytes(text.substr(whole));
  const std::size_t exponent = exponent_bytes(text.substr(whole + fraction));
  return fraction + exponent == 0 ? 0 : whole + fraction + exponent;
}

std::size_t integer_bytes(std::string_view text) {
  if (text[0] == '0' && text.size() > 1) {
    const char letter = static_cast<char>(text[1] | 0x20);
    const std::string_view digits = letter == 'x'   ? "0123456789abcdefABCDEF"
                                    : letter == 'o' ? "01234567"
                                    : letter == 'b' ? "01"
                                                    : "";
    const std::string_view rest = text.substr(2);
    const std::size_t underscore = !digits.empty() && !rest.empty() && rest[0] == '_' ? 1 : 0;
    const std::size_t count = digits_bytes(rest.substr(underscore), digits);
    if (count > 0) return 2 + underscore + count;
  }
  return digits_bytes(text, text[0] == '0' ? "0" : kDecimal);
}

// Where the string that begins here ends, quotes included; 0 when it does not.
std::size_t string_bytes(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == text[0]) return i + 1;
    if (text[i] == '\\') ++i;
  }
  return 0;
}

std::size_t operator_bytes(std::string_view text) {
  constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
  constexpr std::string_view kOne = "+-/*%~[](){}><=.:|,;";
  if (std::find(std::begin(kTwo), std::end(kTwo), text.substr(0, 2)) != std::end(kTwo)) return 2;
  return kOne.find(text[0]) == kOne.npos ? 0 : 1;
}

}  // namespace

std::size_t space_bytes(std::string_view source, std::size_t at) {
  const std::size_t begin = at;
  while (at < source.size()) {
    const auto c = base::decode_utf8(source.substr(at));
    if (!is_space(c.code_point)) break;
    at += c.bytes;
  }
  return at - begin;
}

base::Result<Lexeme> read_lexeme(std::string_view source, std::size_t at) {
  const std::string_view text = source.substr(at);
  const char first = text[0];
  const auto lexeme = [&](TokenKind kind, std::size_t bytes) {
    return Lexeme{kind, bytes, std::string(text.substr(0, bytes))};
  };
  if (is_digit_char(first)) {
    const bool after_dot = at > 0 && source[at - 1] == '.';
    const std::size_t real = after_dot ? 0 : float_bytes(text);
    if (real > 0) return lexeme(TokenKind::kFloat, real);
    return lexeme(TokenKind::kInteger, integer_bytes(text));
  }
  if (is_name_char(first)) {
    const auto* end = std::find_if_not(text.begin(), text.end(), is_name_char);
    return lexeme(TokenKind::kName, static_cast<std::size_t>(end - text.begin()));
  }
  if (first == '\'' || first == '"') {
    const std::size_t bytes = string_bytes(text);
    if (bytes == 0) return base::invalid_input("a string without its end");
    return Lexeme{TokenKind::kString, bytes, TRY(decode_string_literal(text.substr(1, bytes - 2)))};
  }
  if (const std::size_t bytes = operator_bytes(text)) return lexeme(TokenKind::kOperator, bytes);
  if (static_cast<unsigned char>(first) >= 0x80) {
    return base::unsupported("a character outside ASCII in a tag");
  }
  return base::invalid_input(fmt::format("unexpected character 0x{:02x}", first));
}

}  // namespace runtime::chat_template
