// WordPiece, as in BERT: normalised words, each cut into the longest tokens from its left (Devlin
// et al., 2019; the rules of normalisation are those of Hugging Face's BertNormalizer and
// BertPreTokenizer).
//
// GGUF writes a token that begins a word with U+2581 before it and one that goes on without the
// "##".
#ifndef RUNTIME_TOKENIZER_WORD_PIECE_TOKENIZER_H_
#define RUNTIME_TOKENIZER_WORD_PIECE_TOKENIZER_H_

#include <memory>

#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

// `vocabulary` has passed check_vocabulary().
base::Result<std::unique_ptr<Tokenizer>> create_word_piece_tokenizer(Vocabulary vocabulary);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_WORD_PIECE_TOKENIZER_H_
