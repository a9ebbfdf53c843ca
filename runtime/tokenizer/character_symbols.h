// The symbols of vocabularies that merge characters, SentencePiece's: U+2581 for the space, and
// tokens like
// "<0x0A>" for the bytes of what they do not know.
#ifndef RUNTIME_TOKENIZER_CHARACTER_SYMBOLS_H_
#define RUNTIME_TOKENIZER_CHARACTER_SYMBOLS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/tokenizer/byte_trie.h"
#include "runtime/tokenizer/merge_table.h"
#include "runtime/tokenizer/token_sink.h"
#include "runtime/tokenizer/vocabulary.h"

namespace runtime {

class CharacterSymbols {
 public:
  // `types` as token_types() gives them; both arguments outlive the object.
  CharacterSymbols(const Vocabulary& vocabulary, const std::vector<TokenType>& types);

  // Appends the symbols of a text of any bytes. What is in no token becomes byte tokens, or the
  // unknown token (one for a run of such characters) where the vocabulary has none for a byte.
  void append(std::string_view text, std::vector<Symbol>& symbols) const;

  // Puts the tokens that symbols stand for after merging.
  base::Status put(const std::vector<Symbol>& symbols, TokenSink& sink) const;

  // The symbol that is written so, or -1. Control, unknown and byte tokens have no part in merges
  // and are not found.
  Symbol find(std::string_view text) const { return by_text_.find(text); }

  // Every way in which a symbol can be made from two others; fails with kExhausted beyond
  // kMergePairsMax. `rank` gives the rank of the merge that makes a token.
  base::Result<std::vector<MergeTable::Merge>> all_merges(std::uint32_t (*rank)(float score)) const;

 private:
  std::string_view text_of(Symbol symbol) const;
  void append_bytes(std::string_view bytes, std::vector<Symbol>& symbols) const;

  const Vocabulary& vocabulary_;
  const std::vector<TokenType>& types_;
  std::vector<std::string> characters_;  // symbols behind the last token
  ByteTrie by_text_;
  std::array<TokenId, 256> byte_tokens_;  // kNoToken where the vocabulary has none
  std::array<Symbol, 128> ascii_;
  TokenId unknown_;
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_CHARACTER_SYMBOLS_H_
