#include "daemon/audit/records/safe_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hardening/base/utf8.h"

namespace daemon_audit {
namespace {

struct Range {
  char32_t first, last;
};
// Unicode's general categories Cc, Cf, Zl and Zp, and the variation selectors.
constexpr std::array kUnsafe = {
    Range{0x00, 0x1F},       Range{0x7F, 0x9F},       Range{0xAD, 0xAD},
    Range{0x600, 0x605},     Range{0x61C, 0x61C},     Range{0x6DD, 0x6DD},
    Range{0x70F, 0x70F},     Range{0x890, 0x891},     Range{0x8E2, 0x8E2},
    Range{0x180B, 0x180F},   Range{0x200B, 0x200F},   Range{0x2028, 0x202E},
    Range{0x2060, 0x206F},   Range{0xFE00, 0xFE0F},   Range{0xFEFF, 0xFEFF},
    Range{0xFFF9, 0xFFFB},   Range{0x110BD, 0x110BD}, Range{0x110CD, 0x110CD},
    Range{0x13430, 0x1343F}, Range{0x1BCA0, 0x1BCA3}, Range{0x1D173, 0x1D17A},
    Range{0xE0000, 0xE0FFF}};

bool is_unsafe(char32_t c) {
  return std::any_of(kUnsafe.begin(), kUnsafe.end(),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

// As JSON does it: two UTF-16 surrogates for what lies beyond the first plane.
void append_escape(std::string& out, char32_t c) {
  if (c <= 0xFFFF) {
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    return;
  }
  const auto beyond = static_cast<unsigned>(c) - 0x10000U;
  out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + (beyond >> 10), 0xDC00U + (beyond & 0x3FFU));
}

}  // namespace

std::string safe_text(std::string_view text, std::size_t characters_max) {
  std::string out;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++characters) {
    if (characters == characters_max) return out + "\xE2\x80\xA6";
    const base::Utf8Char next = base::decode_utf8(text.substr(i));
    i += next.bytes;
    if (next.code_point == U'\\') {
      out += "\\\\";
    } else if (is_unsafe(next.code_point)) {
      append_escape(out, next.code_point);
    } else {
      base::append_utf8(out, next.code_point);
    }
  }
  return out;
}

std::string safe_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size();) {
    const base::Utf8Char next = base::decode_utf8(json.substr(i));
    i += next.bytes;
    if (next.code_point != U'\n' && is_unsafe(next.code_point)) {
      append_escape(out, next.code_point);
    } else {
      base::append_utf8(out, next.code_point);
    }
  }
  return out;
}

}  // namespace daemon_audit
