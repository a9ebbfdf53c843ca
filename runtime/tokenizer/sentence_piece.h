// What a token of a SentencePiece vocabulary stands for.
#ifndef RUNTIME_TOKENIZER_SENTENCE_PIECE_H_
#define RUNTIME_TOKENIZER_SENTENCE_PIECE_H_

#include <string>
#include <string_view>

#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

// U+2581, with which SentencePiece writes a space.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

// The bytes of a token: those it names when it is a byte token, its text with spaces for U+2581
// when it is made from text, its text as it is otherwise.
std::string sentence_piece(std::string_view text, TokenType type);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_SENTENCE_PIECE_H_
