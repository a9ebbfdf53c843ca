// Whether a vocabulary may be believed.
#ifndef RUNTIME_TOKENIZER_VOCABULARY_CHECK_H_
#define RUNTIME_TOKENIZER_VOCABULARY_CHECK_H_

#include "hardening/base/result.h"
#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

// Sizes agree, ids and types are in range, scores are finite, texts and merges are within limits.h
// and well formed. Fails with kInvalidInput or kExhausted, naming the metadata field. Equal texts
// are no failure: the token with the lower id is the one that encoding makes.
base::Status check_vocabulary(const Vocabulary& vocabulary);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_VOCABULARY_CHECK_H_
