#include "provisioning/base64.h"

#include <cstdint>

namespace provisioning {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The six bits of a character, or -1. '-' and '_' are the URL-safe spellings of '+' and '/'.
int digit_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

}  // namespace

std::string to_base64(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t present = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = (group << 8) | (k < present ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text.push_back(k <= present ? kAlphabet[(group >> (18 - 6 * k)) & 63] : '=');
    }
  }
  return text;
}

base::Result<std::vector<std::byte>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return base::invalid_input("base64 length is not a multiple of four");
  const bool standard = text.find_first_of("+/") != text.npos;
  const bool url_safe = text.find_first_of("-_") != text.npos;
  if (standard && url_safe) return base::invalid_input("base64 mixes two alphabets");

  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::string_view digits = text.substr(0, text.size() - padding);

  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const char c : digits) {
    const int value = digit_value(c);
    if (value < 0) return base::invalid_input("base64 contains a foreign character");
    pending = (pending << 6) | static_cast<std::uint32_t>(value);
    pending_bits += 6;
    if (pending_bits >= 8) {
      pending_bits -= 8;
      bytes.push_back(static_cast<std::byte>((pending >> pending_bits) & 0xFF));
    }
  }
  if ((pending & ((1u << pending_bits) - 1)) != 0) return base::invalid_input("base64 ends in bits that are not zero");
  return bytes;
}

}  // namespace provisioning
