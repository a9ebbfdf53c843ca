#include "hardening/base/utf8.h"

namespace base {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// What a lead byte announces: the length of the sequence and the range its second byte must lie in
// (RFC 3629 section 4, the UTF8-2, UTF8-3 and UTF8-4 productions). Length 0: not a lead byte.
struct Lead {
  std::size_t bytes;
  std::uint8_t second_min;
  std::uint8_t second_max;
};

Lead classify(std::uint8_t lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

// How many bytes at the start of `text` agree with `lead`, at most lead.bytes.
std::size_t matching_bytes(std::string_view text, const Lead& lead) {
  std::size_t count = 1;
  for (; count < lead.bytes && count < text.size(); ++count) {
    const std::uint8_t next = byte_at(text, count);
    const std::uint8_t low = count == 1 ? lead.second_min : 0x80;
    const std::uint8_t high = count == 1 ? lead.second_max : 0xBF;
    if (next < low || next > high) break;
  }
  return count;
}

}  // namespace

Utf8Char decode_utf8(std::string_view text) {
  const std::uint8_t first = byte_at(text, 0);
  if (first < 0x80) return {first, 1, true};
  const Lead lead = classify(first);
  if (lead.bytes == 0 || matching_bytes(text, lead) != lead.bytes) return {kReplacement, 1, false};
  char32_t code_point = first & (0xFFu >> (lead.bytes + 1));
  for (std::size_t i = 1; i < lead.bytes; ++i) code_point = (code_point << 6) | (byte_at(text, i) & 0x3Fu);
  return {code_point, lead.bytes, true};
}

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t offset = 0; offset < text.size();) {
    const Utf8Char next = decode_utf8(text.substr(offset));
    if (!next.valid) return offset;
    offset += next.bytes;
  }
  return std::string_view::npos;
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

std::size_t incomplete_utf8_suffix(std::string_view text) {
  for (std::size_t length = 1; length <= 3 && length <= text.size(); ++length) {
    const auto tail = text.substr(text.size() - length);
    const Lead lead = classify(byte_at(tail, 0));
    if (lead.bytes > length && matching_bytes(tail, lead) == length) return length;
  }
  return 0;
}

}  // namespace base
