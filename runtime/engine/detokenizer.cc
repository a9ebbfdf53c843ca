#include "runtime/engine/detokenizer.h"

#include <algorithm>

namespace runtime {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, std::span<const TokenId> before)
    : tokenizer_(&tokenizer),
      at_beginning_(std::ranges::all_of(
          before, [&tokenizer](TokenId token) { return tokenizer.piece(token).empty(); })) {}

std::string_view Detokenizer::push(TokenId token) {
  const std::string_view piece = tokenizer_->piece(token);
  if (!at_beginning_ || piece.empty()) return piece;
  at_beginning_ = false;
  first_ = tokenizer_->decode({token});
  return first_;
}

}  // namespace runtime
