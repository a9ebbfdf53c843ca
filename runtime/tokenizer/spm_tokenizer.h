// SentencePiece's BPE, as in Llama 2, Mistral and Phi 3: of all neighbours whose concatenation is a
// token, those with the best score are merged first (Kudo and Richardson, 2018, section 3.1).
#ifndef RUNTIME_TOKENIZER_SPM_TOKENIZER_H_
#define RUNTIME_TOKENIZER_SPM_TOKENIZER_H_

#include <memory>

#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

// `vocabulary` has passed check_vocabulary().
base::Result<std::unique_ptr<Tokenizer>> create_spm_tokenizer(Vocabulary vocabulary);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_SPM_TOKENIZER_H_
