#include "runtime/tokenizer/byte_alphabet.h"

#include <array>

#include "hardening/base/utf8.h"

namespace runtime {
namespace {

constexpr char32_t kOthersBegin = 0x100;

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> make_alphabet() {
  std::array<char32_t, 256> alphabet{};
  char32_t other = kOthersBegin;
  for (unsigned byte = 0; byte < 256; ++byte)
    alphabet[byte] = stands_for_itself(byte) ? byte : other++;
  return alphabet;
}

constexpr std::array<char32_t, 256> kAlphabet = make_alphabet();
static_assert(kAlphabet[' '] == 0x120 && kAlphabet['\n'] == 0x10A && kAlphabet[0xAD] == 0x143);

std::optional<unsigned char> byte_of(char32_t character) {
  if (character < kOthersBegin) {
    if (!stands_for_itself(character)) return std::nullopt;
    return static_cast<unsigned char>(character);
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (kAlphabet[byte] == character) return static_cast<unsigned char>(byte);
  }
  return std::nullopt;
}

}  // namespace

char32_t alphabet_character(unsigned char byte) {
  return kAlphabet[byte];
}

std::optional<std::string> decode_alphabet(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const base::Utf8Char character = base::decode_utf8(text);
    const auto byte = character.valid ? byte_of(character.code_point) : std::nullopt;
    if (!byte) return std::nullopt;
    bytes.push_back(static_cast<char>(*byte));
    text.remove_prefix(character.bytes);
  }
  return bytes;
}

}  // namespace runtime
