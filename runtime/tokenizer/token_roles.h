// What the tokens of a vocabulary are for, where its types alone do not tell.
#ifndef RUNTIME_TOKENIZER_TOKEN_ROLES_H_
#define RUNTIME_TOKENIZER_TOKEN_ROLES_H_

#include <vector>

#include "runtime/token.h"
#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

// The type of every token. User-defined tokens that end a generation ("<|im_end|>") become control
// tokens: a user who writes one out must not end his own turn and begin another. Where the file has
// no types, texts known to end a generation are control tokens and all others normal.
std::vector<TokenType> token_types(const Vocabulary& vocabulary);

// Tokens after which generation ends, ascending; `types` as above.
std::vector<TokenId> end_tokens(const Vocabulary& vocabulary, const std::vector<TokenType>& types);

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_TOKEN_ROLES_H_
