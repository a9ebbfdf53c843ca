// Tokens that stand for one byte, written "<0x0A>".
#ifndef RUNTIME_TOKENIZER_BYTE_TOKEN_H_
#define RUNTIME_TOKENIZER_BYTE_TOKEN_H_

#include <optional>
#include <string_view>

namespace runtime {

// The byte that the text of a byte token names; nothing for any other text.
std::optional<unsigned char> parse_byte_token(std::string_view text);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_BYTE_TOKEN_H_
