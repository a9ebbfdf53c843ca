// The tokens inside of a tag: names, literals and operators, one at a time.
#ifndef RUNTIME_CHAT_TEMPLATE_TAG_LEXER_H_
#define RUNTIME_CHAT_TEMPLATE_TAG_LEXER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "runtime/chat_template/lexer.h"

namespace runtime::chat_template {

struct Lexeme {
  TokenKind kind;
  std::size_t bytes;  // of the source
  std::string text;   // of the token
};

// Reads the token at `at`, which is not white space. The token's line is the caller's business.
base::Result<Lexeme> read_lexeme(std::string_view source, std::size_t at);

// How many bytes of white space begin at `at`.
std::size_t space_bytes(std::string_view source, std::size_t at);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_TAG_LEXER_H_
