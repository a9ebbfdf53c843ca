// Vocabularies small enough to be read, for tests of single behaviours.
#ifndef TESTS_RUNTIME_TOKENIZER_SMALL_VOCABULARY_H_
#define TESTS_RUNTIME_TOKENIZER_SMALL_VOCABULARY_H_

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

// Byte-level BPE. Tokens 0 to 255 are the bytes in order; then one for each merge; then those
// added.
Vocabulary small_bpe(std::string_view pre, std::initializer_list<std::string_view> merges);

// SentencePiece BPE: 0 "<unk>", 1 "<s>", 2 "</s>", 3 to 258 the bytes, then the given texts, whose
// scores fall from -1 on. U+2581 is written "_".
Vocabulary small_spm(std::initializer_list<std::string_view> texts);

// Appends a token and returns its id.
TokenId add_token(Vocabulary& vocabulary, std::string_view text, TokenType type);

// Aborts where creation or encoding fails.
std::unique_ptr<Tokenizer> make_tokenizer(Vocabulary vocabulary);
std::vector<TokenId> encode(const Tokenizer& tokenizer, std::string_view text,
                            const EncodeOptions& options = {});

// The pieces of the tokens, each in brackets: "[the][ keep]".
std::string pieces(const Tokenizer& tokenizer, std::string_view text,
                   const EncodeOptions& options = {});

}  // namespace runtime

#endif  // TESTS_RUNTIME_TOKENIZER_SMALL_VOCABULARY_H_
