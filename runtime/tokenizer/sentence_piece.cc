#include "runtime/tokenizer/sentence_piece.h"

#include <algorithm>
#include <cstddef>

#include "runtime/tokenizer/byte_token.h"

namespace runtime {
namespace {

std::string with_spaces(std::string_view text) {
  std::string spaced;
  while (!text.empty()) {
    const std::size_t mark = std::min(text.find(kSpaceMark), text.size());
    spaced += text.substr(0, mark);
    if (mark == text.size()) break;
    spaced += ' ';
    text.remove_prefix(mark + kSpaceMark.size());
  }
  return spaced;
}

}  // namespace

std::string sentence_piece(std::string_view text, TokenType type) {
  switch (type) {
    case TokenType::kByte:
      if (const auto byte = parse_byte_token(text)) return std::string(1, static_cast<char>(*byte));
      return std::string(text);
    case TokenType::kNormal:
    case TokenType::kUnused:
    case TokenType::kUndefined:
      return with_spaces(text);
    case TokenType::kUnknown:
    case TokenType::kControl:
    case TokenType::kUserDefined:
      break;
  }
  return std::string(text);
}

}  // namespace runtime
