// BPE with listed merges on characters instead of bytes, as in Gemma 4: SentencePiece's symbols,
// GPT-2's order.
#ifndef RUNTIME_TOKENIZER_CHARACTER_BPE_TOKENIZER_H_
#define RUNTIME_TOKENIZER_CHARACTER_BPE_TOKENIZER_H_

#include <memory>

#include "runtime/tokenizer/pre_tokenizer_table.h"
#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

// `vocabulary` has passed check_vocabulary().
base::Result<std::unique_ptr<Tokenizer>> create_character_bpe_tokenizer(
    Vocabulary vocabulary, const PreTokenizerSpec& spec);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_CHARACTER_BPE_TOKENIZER_H_
