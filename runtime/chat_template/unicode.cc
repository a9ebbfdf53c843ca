#include "runtime/chat_template/unicode.h"

#include <algorithm>
#include <span>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/case_table.h"

namespace runtime::chat_template {
namespace {

char32_t map_case(std::span<const CaseRange> ranges, char32_t c) {
  const auto range = std::lower_bound(ranges.begin(), ranges.end(), c,
                                      [](const CaseRange& r, char32_t at) { return r.last < at; });
  if (range == ranges.end() || c < range->first) return c;
  if ((c - range->first) % range->stride != 0) return c;
  return static_cast<char32_t>(static_cast<std::int32_t>(c) + range->delta);
}

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

struct Cases {
  bool upper = false;
  bool lower = false;
};

Cases cases_of(std::string_view text) {
  Cases cases;
  while (!text.empty()) {
    const auto c = base::decode_utf8(text);
    cases.upper = cases.upper || is_upper(c.code_point);
    cases.lower = cases.lower || is_lower(c.code_point);
    text.remove_prefix(c.bytes);
  }
  return cases;
}

}  // namespace

bool is_space(char32_t c) {
  if (c < 0x80) return c == U' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_line_break(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

bool is_printable(char32_t c) {
  if (c < 0x7F) return c >= 0x20;
  if (c <= 0xA0 || c == 0xAD || is_space(c)) return false;
  const bool format = (c >= 0x600 && c <= 0x605) || c == 0x61C || c == 0x6DD || c == 0x70F ||
                      c == 0x180E || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
                      (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB);
  const bool private_use = (c >= 0xD800 && c <= 0xF8FF) || c >= 0xE0000;
  return !format && !private_use && (c & 0xFFFE) != 0xFFFE;
}

char32_t to_upper(char32_t c) {
  if (c < 0x80) return c >= U'a' && c <= U'z' ? c - 32 : c;
  return map_case(upper_case_ranges(), c);
}

char32_t to_lower(char32_t c) {
  if (c < 0x80) return c >= U'A' && c <= U'Z' ? c + 32 : c;
  return map_case(lower_case_ranges(), c);
}

void append_upper(std::string& out, char32_t c) {
  if (c == U'\u00DF') {
    out += "SS";
  } else {
    base::append_utf8(out, to_upper(c));
  }
}

bool is_upper_text(std::string_view text) {
  const Cases cases = cases_of(text);
  return cases.upper && !cases.lower;
}

bool is_lower_text(std::string_view text) {
  const Cases cases = cases_of(text);
  return cases.lower && !cases.upper;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); }));
}

std::size_t byte_offset(std::string_view text, std::size_t index) {
  std::size_t seen = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_continuation(text[at])) continue;
    if (seen == index) return at;
    ++seen;
  }
  return text.size();
}

std::size_t previous_character(std::string_view text, std::size_t offset) {
  do {
    --offset;
  } while (offset > 0 && is_continuation(text[offset]));
  return offset;
}

}  // namespace runtime::chat_template
