// GPT-2's way to write any byte as a printable character, in which byte-level vocabularies are
// published.
//
// Bytes that are printable in Latin-1 stand for themselves, the 68 others for U+0100 and on, in
// order: a space is U+0120, a newline U+010A. (Radford et al., 2019, bytes_to_unicode in the
// published encoder.)
#ifndef RUNTIME_TOKENIZER_BYTE_ALPHABET_H_
#define RUNTIME_TOKENIZER_BYTE_ALPHABET_H_

#include <optional>
#include <string>
#include <string_view>

namespace runtime {

// The character that stands for a byte.
char32_t alphabet_character(unsigned char byte);

// The bytes that a text in the alphabet stands for; nothing when it has a character outside of it.
std::optional<std::string> decode_alphabet(std::string_view text);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_BYTE_ALPHABET_H_
