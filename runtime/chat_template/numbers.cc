#include "runtime/chat_template/numbers.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace runtime::chat_template {
namespace {

std::string_view strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v\x1c\x1d\x1e\x1f";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

// "0x" and the like; sets the base where it was 0.
std::string_view drop_prefix(std::string_view digits, int& base) {
  int named = 0;
  if (digits.size() > 1 && digits[0] == '0') {
    const char letter = static_cast<char>(digits[1] | 0x20);
    named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  }
  if (named != 0 && (base == 0 || base == named)) {
    base = named;
    digits.remove_prefix(2);
    if (!digits.empty() && digits[0] == '_') digits.remove_prefix(1);
  } else if (base == 0) {
    // Python refuses "012" without a base, for it was octal once.
    const bool zero = digits.find_first_not_of("0_") == digits.npos;
    base = !zero && digits[0] == '0' ? -1 : 10;
  }
  return digits;
}

// Removes the underscores that stand between digits; nothing when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain += text[i];
    } else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      return std::nullopt;
    }
  }
  return plain;
}

}  // namespace

base::Error integer_overflow() {
  return base::exhausted("an integer outside 64 bits");
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t mark = text.find('e');
  int exponent = 0;
  const std::size_t sign = text[mark + 1] == '+' ? 1 : 0;
  std::from_chars(text.data() + mark + 1 + sign, end, exponent);
  // The scientific form already is what Python prints, but for where it prefers plain digits.
  if (exponent < -4 || exponent >= 16) return std::string(text);
  const auto fixed =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  std::string plain(buffer, fixed);
  if (plain.find('.') == plain.npos) plain += ".0";
  return plain;
}

base::Result<std::optional<std::int64_t>> parse_integer(std::string_view text, int base) {
  const std::optional<std::int64_t> none;
  std::string_view digits = strip(text);
  const bool negative = !digits.empty() && digits[0] == '-';
  if (negative || (!digits.empty() && digits[0] == '+')) digits.remove_prefix(1);
  if (digits.empty()) return none;
  digits = drop_prefix(digits, base);
  if (base < 2 || base > 36 || digits.empty()) return none;
  std::int64_t value = 0;
  bool fits = true;
  bool after_digit = false;
  for (const char c : digits) {
    if (c == '_' && after_digit) {
      after_digit = false;
      continue;
    }
    if (digit_value(c) >= base) return none;
    after_digit = true;
    // Counted downwards, since the smallest value has no positive twin.
    fits = fits && !__builtin_mul_overflow(value, std::int64_t{base}, &value) &&
           !__builtin_sub_overflow(value, std::int64_t{digit_value(c)}, &value);
  }
  if (!after_digit) return none;
  if (!fits || (!negative && value == std::numeric_limits<std::int64_t>::min())) {
    return integer_overflow();
  }
  return std::optional(negative ? value : -value);
}

std::optional<double> parse_float(std::string_view text) {
  std::string_view body = strip(text);
  const bool negative = !body.empty() && body[0] == '-';
  if (negative || (!body.empty() && body[0] == '+')) body.remove_prefix(1);
  if (body.empty() || body[0] == '-' || body[0] == '+') return std::nullopt;
  const auto plain = without_underscores(body);
  if (!plain || plain->find('(') != std::string::npos) return std::nullopt;  // not C's "nan(…)"
  double value = 0;
  const char* end = plain->data() + plain->size();
  const auto parsed = std::from_chars(plain->data(), end, value);
  if (parsed.ptr != end || parsed.ec == std::errc::invalid_argument) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) {
    // from_chars does not say in which direction; a value this far out is one or the other.
    const std::size_t mark = plain->find_first_of("eE");
    const bool tiny =
        mark != std::string::npos && mark + 1 < plain->size() && (*plain)[mark + 1] == '-';
    value = tiny ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return negative ? -value : value;
}

base::Result<std::optional<std::int64_t>> truncate(double value) {
  if (!std::isfinite(value)) return std::optional<std::int64_t>();
  const double whole = std::trunc(value);
  if (whole < -0x1p63 || whole >= 0x1p63) return integer_overflow();
  return std::optional(static_cast<std::int64_t>(whole));
}

}  // namespace runtime::chat_template
