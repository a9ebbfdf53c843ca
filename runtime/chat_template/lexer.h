// From source to tokens, with the white space control of trim_blocks and lstrip_blocks already
// applied.
#ifndef RUNTIME_CHAT_TEMPLATE_LEXER_H_
#define RUNTIME_CHAT_TEMPLATE_LEXER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace runtime::chat_template {

enum class TokenKind : std::uint8_t {
  kData,  // text between tags
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,   // text is the decoded value
  kInteger,  // text is the literal, underscores included
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind;
  int line;
  std::string text;

  bool is_name(std::string_view name) const { return kind == TokenKind::kName && text == name; }
  bool is_operator(std::string_view op) const { return kind == TokenKind::kOperator && text == op; }
};

// The tokens of a template, the last of them kEnd. Line ends are normalised to "\n" and one at the
// very end is dropped, as Jinja does. Requires UTF-8.
base::Result<std::vector<Token>> tokenize(std::string_view source);

// What stands before a message about that line.
std::string at_line(int line);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_LEXER_H_
