// Follows the tokens of one choice: what text they make, and when it ends.
//
// Knows nothing but the tokens, in order, so a choice that goes on after a restart is brought to
// the same state by giving it the tokens it had.
#ifndef RUNTIME_ENGINE_CHOICE_OUTPUT_H_
#define RUNTIME_ENGINE_CHOICE_OUTPUT_H_

#include <cstdint>
#include <string>

#include "runtime/engine/detokenizer.h"
#include "runtime/engine/request.h"
#include "runtime/engine/stop_matcher.h"
#include "runtime/engine/utf8_stream.h"
#include "runtime/tokenizer/tokenizer.h"

namespace runtime {

class ChoiceOutput {
 public:
  // The arguments outlive the object.
  ChoiceOutput(const Tokenizer& tokenizer, const GenerationRequest& request, const StopSet& stops);

  // Takes the next token and appends to `text` what may be shown now. kStop or kLength when it was
  // the last one: then nothing is held back any more.
  FinishReason push(TokenId token, std::string& text);

  std::uint32_t tokens() const { return tokens_; }
  // Whether the next token may end the choice (GenerationRequest::tokens_min).
  bool may_end() const { return tokens_ >= request_->tokens_min; }

 private:
  bool push_bytes(std::string_view bytes, std::string& text);
  void flush(std::string& text);

  const Tokenizer* tokenizer_;
  const GenerationRequest* request_;
  Detokenizer detokenizer_;
  Utf8Stream utf8_;
  StopMatcher stop_;
  std::string clean_;  // well-formed text on its way to the matcher; empty between calls
  std::uint32_t tokens_ = 0;
};

// Whether the token ends a choice of this request.
bool ends_choice(const Tokenizer& tokenizer, const GenerationRequest& request, TokenId token);

}  // namespace runtime

#endif  // RUNTIME_ENGINE_CHOICE_OUTPUT_H_
