// SentencePiece's unigram model, as in T5, XLM-RoBERTa and nomic-embed-text-v2: of all ways to cut
// a text into tokens the one whose scores add up to most (Kudo, 2018, section 3.2).
#ifndef RUNTIME_TOKENIZER_UNIGRAM_TOKENIZER_H_
#define RUNTIME_TOKENIZER_UNIGRAM_TOKENIZER_H_

#include <memory>

#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

// `vocabulary` has passed check_vocabulary().
base::Result<std::unique_ptr<Tokenizer>> create_unigram_tokenizer(Vocabulary vocabulary);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_UNIGRAM_TOKENIZER_H_
