#include "runtime/engine/choice_output.h"

#include <algorithm>

namespace runtime {

bool ends_choice(const Tokenizer& tokenizer, const GenerationRequest& request, TokenId token) {
  const auto& end_tokens = tokenizer.end_tokens();
  if (!request.ignore_end_tokens && std::ranges::binary_search(end_tokens, token)) return true;
  return std::ranges::find(request.stop_tokens, token) != request.stop_tokens.end();
}

ChoiceOutput::ChoiceOutput(const Tokenizer& tokenizer, const GenerationRequest& request,
                           const StopSet& stops)
    : tokenizer_(&tokenizer),
      request_(&request),
      detokenizer_(tokenizer, request.prompt),
      stop_(stops) {}

FinishReason ChoiceOutput::push(TokenId token, std::string& text) {
  const bool is_end = ends_choice(*tokenizer_, *request_, token);
  if (!is_end || request_->include_stop_text) {
    if (push_bytes(detokenizer_.push(token), text)) return FinishReason::kStop;
  } else {
    ++tokens_;
  }
  if (!is_end && tokens_ < request_->tokens_max) return FinishReason::kNone;
  flush(text);
  return is_end ? FinishReason::kStop : FinishReason::kLength;
}

// True when a stop string is complete.
bool ChoiceOutput::push_bytes(std::string_view bytes, std::string& text) {
  const StopMatcher::Options options = {may_end(), request_->include_stop_text};
  ++tokens_;
  utf8_.push(bytes, clean_);
  const bool stopped = stop_.push(clean_, options, text);
  clean_.clear();
  return stopped;
}

void ChoiceOutput::flush(std::string& text) {
  utf8_.flush(clean_);
  // What an unfinished character became may complete a stop string no more: it is the end either
  // way.
  stop_.flush(text);
  text.append(clean_);
  clean_.clear();
}

}  // namespace runtime
