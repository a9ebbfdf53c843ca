// UTF-8 (RFC 3629): well-formed means no overlong form, no surrogate, nothing above U+10FFFF.
#ifndef HARDENING_BASE_UTF8_H_
#define HARDENING_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace base {

struct Utf8Char {
  char32_t code_point;  // U+FFFD when the bytes are not well-formed
  std::size_t bytes;    // how many bytes it took, at least 1; 1 when not well-formed
  bool valid;
};

// Decodes the first character of a text that is not empty.
Utf8Char decode_utf8(std::string_view text);

// The offset of the first byte that is not part of a well-formed character, or npos.
std::size_t find_invalid_utf8(std::string_view text);
inline bool is_utf8(std::string_view text) { return find_invalid_utf8(text) == std::string_view::npos; }

// Appends the encoding of a Unicode scalar value.
void append_utf8(std::string& out, char32_t code_point);

// How many bytes at the end of `text` are the beginning of a character that more bytes could complete
// (0 to 3). A stream holds these back until the rest arrives.
std::size_t incomplete_utf8_suffix(std::string_view text);

}  // namespace base

#endif  // HARDENING_BASE_UTF8_H_
