// The text that tokens add to what stands before them.
//
// SPM writes a space in front of a sentence's first word and takes it away again when it decodes.
// What a model continues is not a first word: its space is kept. So the first token with a text in
// the whole sequence is decoded as a beginning, every other one as a continuation.
#ifndef RUNTIME_ENGINE_DETOKENIZER_H_
#define RUNTIME_ENGINE_DETOKENIZER_H_

#include <span>
#include <string>
#include <string_view>

#include "runtime/token.h"
#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

class Detokenizer {
 public:
  // `before` is what stands in front of the first token to come. The tokenizer outlives the
  // detokenizer.
  Detokenizer(const Tokenizer& tokenizer, std::span<const TokenId> before);

  // The bytes `token` adds; possibly part of a character. Good until the next call.
  std::string_view push(TokenId token);

 private:
  const Tokenizer* tokenizer_;
  bool at_beginning_;  // no token so far had a text
  std::string first_;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_DETOKENIZER_H_
