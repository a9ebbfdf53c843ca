// Vectors of tests/vectors/tokenizers: a small vocabulary and what an independent implementation
// makes of texts.
#ifndef TESTS_RUNTIME_TOKENIZER_VECTOR_FILE_H_
#define TESTS_RUNTIME_TOKENIZER_VECTOR_FILE_H_

#include <string>
#include <vector>

#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

struct TokenizerVectors {
  struct Case {
    std::string text;
    std::vector<TokenId> ids;
  };
  Vocabulary vocabulary;
  std::vector<Case> cases;
};

// Reads tests/vectors/tokenizers/NAME.json below the working directory, which is the repository's
// root. Aborts when it is not there or not such a file.
TokenizerVectors read_tokenizer_vectors(const std::string& name);

}  // namespace runtime

#endif  // TESTS_RUNTIME_TOKENIZER_VECTOR_FILE_H_
