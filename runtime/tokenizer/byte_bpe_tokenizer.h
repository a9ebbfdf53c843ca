// Byte-level BPE, as in GPT-2, Llama 3, Qwen and most others since: a pre-tokenizer cuts the text
// into pieces, and within each the best-ranked merge of two neighbours comes first (Sennrich et
// al., 2016, algorithm 1).
#ifndef RUNTIME_TOKENIZER_BYTE_BPE_TOKENIZER_H_
#define RUNTIME_TOKENIZER_BYTE_BPE_TOKENIZER_H_

#include <memory>

#include "runtime/tokenizer/pre_tokenizer_table.h"
#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

// `vocabulary` has passed check_vocabulary(). Merges of or to something that is no token are left
// out.
base::Result<std::unique_ptr<Tokenizer>> create_byte_bpe_tokenizer(Vocabulary vocabulary,
                                                                   const PreTokenizerSpec& spec);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_BYTE_BPE_TOKENIZER_H_
