// The passes over a whole row of logits, in wide registers: everything else that chooses a token
// looks at a few blocks.
//
// A row is cut into blocks of 256 logits (the last may be shorter). Each pass gives one number per
// block, so that what follows skips blocks that cannot matter. Every processor computes the same
// bits: maxima have no order, and weights are made by the very additions and multiplications of
// token_weight.h, each rounded once.
#ifndef RUNTIME_ENGINE_LOGIT_PASSES_H_
#define RUNTIME_ENGINE_LOGIT_PASSES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/engine/token_weight.h"

namespace runtime {

inline constexpr std::size_t kLogitBlock = 256;

inline std::size_t logit_blocks(std::size_t vocabulary) {
  return (vocabulary + kLogitBlock - 1) / kLogitBlock;
}

struct LogitBlock {
  const float* logits;
  std::size_t count;  // <= kLogitBlock
  double max;         // no logit is larger
  double beta;        // > 0, finite
};

struct LogitScale {
  float largest;  // no logit is larger
  float scale;
  std::uint32_t last;
};

struct LogitPasses {
  // maxima[b] = the largest of block b. False when a logit is not finite; then maxima mean nothing.
  bool (*find_maxima)(std::span<const float> logits, float* maxima);

  // weights[i] = token_weight((max - logits[i]) * beta) for a block; returns their sum.
  TokenWeight (*weigh_block)(const LogitBlock& block, TokenWeight* weights);

  // buckets[i] = min((largest - logits[i]) * scale, last), without what is behind the point: never
  // less for a smaller logit. scale > 0 and finite, last < 2^24.
  void (*find_buckets)(const LogitBlock& block, const LogitScale& scale, std::uint32_t* buckets);

  // The sum of those weights that are at least `weight_min` and whose logit is at least `floor`.
  TokenWeight (*sum_from)(const LogitBlock& block, const TokenWeight* weights, float floor,
                          TokenWeight weight_min);
};

// The widest this processor has.
const LogitPasses& logit_passes();
// The portable ones: what the others are tested against.
const LogitPasses& portable_logit_passes();

}  // namespace runtime

#endif  // RUNTIME_ENGINE_LOGIT_PASSES_H_
