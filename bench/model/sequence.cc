#include "bench/model/sequence.h"

#include <algorithm>
#include <iterator>
#include <limits>

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
  // In lanes, as engines do: std::max_element would take one part in twenty of a small model's
  // step.
  constexpr std::size_t kLanes = 16;
  float largest[kLanes];
  std::fill(std::begin(largest), std::end(largest), -std::numeric_limits<float>::infinity());
  std::size_t at = 0;
  for (; at + kLanes <= logits.size(); at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      largest[lane] = largest[lane] < logits[at + lane] ? logits[at + lane] : largest[lane];
  }
  float best = *std::max_element(std::begin(largest), std::end(largest));
  for (; at < logits.size(); ++at) best = std::max(best, logits[at]);
  return static_cast<runtime::TokenId>(std::find(logits.begin(), logits.end(), best) -
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
