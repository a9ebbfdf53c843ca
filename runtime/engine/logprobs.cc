#include "runtime/engine/logprobs.h"

#include <algorithm>

namespace runtime {
namespace {

// Moves the last entry up to its place. An equal logit of a lower id is in front already.
void sift_up(const LogitRow& row, std::vector<TokenLogprob>& out) {
  const auto logit = [&row](const TokenLogprob& entry) {
    return row.logits[static_cast<std::size_t>(entry.token)];
  };
  for (std::size_t i = out.size() - 1; i > 0 && logit(out[i - 1]) < logit(out[i]); --i) {
    std::swap(out[i - 1], out[i]);
  }
}

}  // namespace

void top_logprobs(const LogitRow& row, LogitRowBlocks& blocks, std::size_t count,
                  std::vector<TokenLogprob>& out) {
  out.clear();
  count = std::min(count, row.logits.size());
  if (count == 0) return;
  float worst = 0;
  blocks.for_each_from(blocks.floor_of_largest(count), [&](TokenId token, float logit) {
    if (out.size() < count) {
      out.push_back({token, 0});
    } else if (logit > worst) {
      out.back() = {token, 0};
    } else {
      return;
    }
    sift_up(row, out);
    worst = row.logits[static_cast<std::size_t>(out.back().token)];
  });
  for (TokenLogprob& entry : out) entry = token_logprob(row, entry.token);
}

}  // namespace runtime
