// Log-probabilities of the model's own distribution: softmax(logits), before anything a request
// asked for.
#ifndef RUNTIME_ENGINE_LOGPROBS_H_
#define RUNTIME_ENGINE_LOGPROBS_H_

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/engine/logit_row_blocks.h"
#include "runtime/engine/request.h"
#include "runtime/token.h"

namespace runtime {

// One row of LogitRows (runtime/model/decoder.h), all of it finite.
struct LogitRow {
  std::span<const float> logits;  // [vocabulary]
  float max = 0;
  float log_sum_exp = 0;
};

inline TokenLogprob token_logprob(const LogitRow& row, TokenId token) {
  return {token, row.logits[static_cast<std::size_t>(token)] - row.max - row.log_sum_exp};
}

// The `count` likeliest tokens, best first, the lower id first among equals. Replaces what is in
// `out`, which keeps its memory. `blocks` has scanned the row's logits.
void top_logprobs(const LogitRow& row, LogitRowBlocks& blocks, std::size_t count,
                  std::vector<TokenLogprob>& out);

}  // namespace runtime

#endif  // RUNTIME_ENGINE_LOGPROBS_H_
