#include "runtime/chat_template/format_spec.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/printing.h"
#include "runtime/chat_template/text_functions.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

bool is_align(char c) {
  return c == '<' || c == '>' || c == '^' || c == '=';
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text[0] != wanted) return false;
  text.remove_prefix(1);
  return true;
}

base::Error no_format(const Value& value, char type) {
  return base::invalid_input(fmt::format("{} cannot be formatted as \"{}\"", value.type_name(),
                                         type == '\0' ? std::string() : std::string(1, type)));
}

std::string grouped(const std::string& digits) {
  std::string out;
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (std::size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out + digits.substr(whole);
}

struct Digits {
  bool negative = false;
  std::string prefix;  // "0x"
  std::string body;
};

Digits integer_digits(std::int64_t value, const FormatSpec& spec) {
  Digits digits;
  digits.negative = value < 0;
  std::uint64_t magnitude = static_cast<std::uint64_t>(value);
  if (digits.negative) magnitude = 0 - magnitude;
  switch (spec.type) {
    case 'x':
      digits.body = fmt::format("{:x}", magnitude);
      break;
    case 'X':
      digits.body = fmt::format("{:X}", magnitude);
      break;
    case 'o':
      digits.body = fmt::format("{:o}", magnitude);
      break;
    case 'b':
      digits.body = fmt::format("{:b}", magnitude);
      break;
    default:
      digits.body = fmt::format("{}", magnitude);
      break;
  }
  const bool decimal = spec.type == 'd' || spec.type == '\0';
  if (spec.alternate && !decimal) digits.prefix = std::string("0") + spec.type;
  return digits;
}

Digits float_digits(double value, const FormatSpec& spec) {
  Digits digits;
  digits.negative = std::signbit(value) && !std::isnan(value);
  const double magnitude = std::fabs(value);
  if (spec.type == '\0' && !spec.precision) {
    digits.body = float_repr(magnitude);
    return digits;
  }
  const char type = spec.type == '%' ? 'f' : spec.type == '\0' ? 'g' : spec.type;
  const char pattern[] = {'%', '.', '*', type, '\0'};
  const int precision = static_cast<int>(spec.precision.value_or(6));
  char buffer[FormatSpec::kPrecisionMax + 400];  // 309 digits before the point at most
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int count = std::snprintf(buffer, sizeof buffer, pattern, precision,
                                  spec.type == '%' ? magnitude * 100 : magnitude);
#pragma GCC diagnostic pop
  digits.body.assign(buffer, static_cast<std::size_t>(count));
  if (spec.type == '%') digits.body += '%';
  return digits;
}

base::Status append_digits(Budget& budget, TextBuilder& out, Digits digits,
                           const FormatSpec& spec) {
  if (spec.grouping) digits.body = grouped(digits.body);
  std::string sign = digits.negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  sign += digits.prefix;
  if (spec.align == '=') {
    const auto used = static_cast<std::int64_t>(sign.size() + digits.body.size());
    TRY(out.append(sign));
    TRY(out.append_repeated(
        spec.fill, static_cast<std::size_t>(std::max<std::int64_t>(spec.width - used, 0))));
    return out.append(digits.body);
  }
  const Side side = spec.align == '<'   ? Side::kLeft
                    : spec.align == '^' ? Side::kBoth
                                        : Side::kRight;
  const Value padded =
      TRY(pad(budget, Text(sign + digits.body, false), spec.width, Text(spec.fill, false), side));
  return out.append(*padded.text());
}

base::Status append_text(Budget& budget, TextBuilder& out, const Text& text,
                         const FormatSpec& spec) {
  std::size_t end = text.size();
  if (spec.precision) {
    TRY(budget.touch(text.size()));
    end = byte_offset(text.bytes(), static_cast<std::size_t>(*spec.precision));
  }
  const Side side = spec.align == '>'   ? Side::kRight
                    : spec.align == '^' ? Side::kBoth
                                        : Side::kLeft;
  const Value shown = TRY(cut(budget, text, 0, end));
  const Value padded = TRY(pad(budget, *shown.text(), spec.width, Text(spec.fill, false), side));
  return out.append(*padded.text());
}

}  // namespace

base::Result<std::optional<std::int64_t>> read_number(std::string_view& text) {
  std::optional<std::int64_t> number;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    number = number.value_or(0) * 10 + (text[0] - '0');
    if (*number > std::int64_t{1} << 40) return integer_overflow();
    text.remove_prefix(1);
  }
  return number;
}

base::Result<FormatSpec> parse_format_spec(std::string_view text) {
  FormatSpec spec;
  if (!text.empty()) {
    const std::size_t first = base::decode_utf8(text).bytes;
    if (first < text.size() && is_align(text[first])) {
      spec.fill = std::string(text.substr(0, first));
      text.remove_prefix(first);
    }
    if (is_align(text[0])) {
      spec.align = text[0];
      text.remove_prefix(1);
    }
  }
  for (const char sign : {'-', '+', ' '}) {
    if (take(text, sign)) spec.sign = sign;
  }
  spec.alternate = take(text, '#');
  if (take(text, '0') && spec.align == '\0') {
    spec.fill.assign(1, '0');
    spec.align = '=';
  }
  spec.width = TRY(read_number(text)).value_or(0);
  spec.grouping = take(text, ',');
  if (take(text, '.')) {
    spec.precision = TRY(read_number(text));
    if (!spec.precision) return base::invalid_input("a format without its precision");
  }
  if (!text.empty()) {
    spec.type = text[0];
    text.remove_prefix(1);
  }
  if (!text.empty()) return base::invalid_input("a malformed format");
  return spec;
}

base::Status append_formatted(Budget& budget, TextBuilder& out, const Value& value,
                              const FormatSpec& spec) {
  constexpr std::string_view kIntegers = "dxXob";
  constexpr std::string_view kFloats = "eEfFgG%";
  const bool plain = spec.type == '\0';
  const bool numeric = value.is_number() && !(plain && value.boolean() != nullptr);
  if (!numeric) {
    if (!plain && spec.type != 's') return no_format(value, spec.type);
    const auto text = TRY(to_text(budget, value));
    return append_text(budget, out, *text, spec);
  }
  const bool integer =
      value.is_integral() && (plain || kIntegers.find(spec.type) != kIntegers.npos);
  if (!integer && !(plain || kFloats.find(spec.type) != kFloats.npos)) {
    return no_format(value, spec.type);
  }
  if (spec.precision && *spec.precision > FormatSpec::kPrecisionMax) {
    return base::exhausted(fmt::format("more than {} digits", FormatSpec::kPrecisionMax));
  }
  if (integer && spec.precision) return base::invalid_input("an integer has no precision");
  return append_digits(
      budget, out,
      integer ? integer_digits(value.integral(), spec) : float_digits(value.number(), spec), spec);
}

}  // namespace runtime::chat_template
