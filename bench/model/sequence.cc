#include "bench/model/sequence.h"

#include <algorithm>

namespace bench {

Sequence::Sequence(std::size_t first_block, std::size_t blocks) : blocks_(blocks) {
  for (std::size_t i = 0; i < blocks; ++i) blocks_[i] = static_cast<std::int32_t>(first_block + i);
}

runtime::SequenceSlice Sequence::slice(std::span<const runtime::TokenId> tokens,
                                       bool logits) const {
  return {.tokens = tokens,
          .start_position = position_,
          .blocks = blocks_,
          .logits_count = logits ? 1U : 0U};
}

runtime::TokenId greedy(std::span<const float> logits) {
  return static_cast<runtime::TokenId>(std::max_element(logits.begin(), logits.end()) -
                                       logits.begin());
}

base::Result<runtime::TokenId> prefill(runtime::Decoder& decoder, Sequence& sequence,
                                       std::span<const runtime::TokenId> prompt) {
  while (prompt.size() > decoder.shape().rows_max) {
    const auto chunk = prompt.first(decoder.shape().rows_max);
    const runtime::SequenceSlice slice = sequence.slice(chunk, false);
    TRY(decoder.forward({&slice, 1}));
    sequence.advance(chunk.size());
    prompt = prompt.subspan(chunk.size());
  }
  const runtime::SequenceSlice slice = sequence.slice(prompt, true);
  const runtime::LogitRows rows = TRY(decoder.forward({&slice, 1}));
  sequence.advance(prompt.size());
  return greedy(rows.logits);
}

}  // namespace bench
