#include "runtime/engine/token_history.h"

#include <algorithm>

namespace runtime {

TokenHistory::TokenHistory(std::size_t vocabulary, std::size_t distinct_max) : words_(vocabulary) {
  distinct_.reserve(std::min(vocabulary, distinct_max));
}

void TokenHistory::reset() {
  for (const TokenId token : distinct_) words_[static_cast<std::size_t>(token)] = 0;
  distinct_.clear();
}

void TokenHistory::add_prompt(std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) mark(token);
}

void TokenHistory::add_output(TokenId token) {
  ++mark(token);
}

std::uint32_t& TokenHistory::mark(TokenId token) {
  std::uint32_t& word = words_[static_cast<std::size_t>(token)];
  if ((word & kSeen) == 0) {
    word |= kSeen;
    distinct_.push_back(token);
  }
  return word;
}

}  // namespace runtime
