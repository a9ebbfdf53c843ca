// One sequence driven by hand: its tokens, its KV blocks, and the next greedy token.
#ifndef BENCH_MODEL_SEQUENCE_H_
#define BENCH_MODEL_SEQUENCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/model/decoder.h"
#include "runtime/token.h"

namespace bench {

// Owns the KV blocks [first_block, first_block + blocks) of a decoder.
class Sequence {
 public:
  Sequence(std::size_t first_block, std::size_t blocks);

  // The slice that computes `tokens` next; the last one's logits when asked. Borrows `tokens`.
  runtime::SequenceSlice slice(std::span<const runtime::TokenId> tokens, bool logits) const;
  void advance(std::size_t tokens) { position_ += static_cast<std::int32_t>(tokens); }
  // The next token's position: whatever the cache holds before it is its past.
  void move_to(std::size_t position) { position_ = static_cast<std::int32_t>(position); }
  void rewind() { move_to(0); }
  std::span<const std::int32_t> blocks() const { return blocks_; }

 private:
  std::vector<std::int32_t> blocks_;
  std::int32_t position_ = 0;
};

// The largest logit's index, the lowest among equals.
runtime::TokenId greedy(std::span<const float> logits);

// Computes a whole prompt in calls of at most rows_max tokens; the greedy token after it.
base::Result<runtime::TokenId> prefill(runtime::Decoder& decoder, Sequence& sequence,
                                       std::span<const runtime::TokenId> prompt);

}  // namespace bench

#endif  // BENCH_MODEL_SEQUENCE_H_
