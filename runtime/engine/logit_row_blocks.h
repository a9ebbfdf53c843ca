// A row of logits with the largest of each block of 256: where to look, and where not.
//
// A vocabulary has a hundred thousand tokens, an answer needs a few. With the maxima at hand a
// search for the largest logits passes over nearly all blocks: the k-th largest maximum is no
// larger than the k-th largest logit, since k blocks have a logit as large.
#ifndef RUNTIME_ENGINE_LOGIT_ROW_BLOCKS_H_
#define RUNTIME_ENGINE_LOGIT_ROW_BLOCKS_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/engine/logit_passes.h"
#include "runtime/token.h"

namespace runtime {

// Memory for one vocabulary is taken at creation. Belongs to one thread.
class LogitRowBlocks {
 public:
  explicit LogitRowBlocks(std::size_t vocabulary)
      : maxima_(logit_blocks(vocabulary)), scratch_(maxima_.size()) {}

  // Takes up a row, which is borrowed until the next one. False when a logit is not finite; what
  // follows may be asked all the same where none is NaN.
  bool scan(std::span<const float> logits) {
    logits_ = logits;
    const bool finite = logit_passes().find_maxima(logits, maxima_.data());
    max_ = *std::max_element(maxima_.begin(), maxima_.end());
    return finite;
  }

  std::span<const float> logits() const { return logits_; }
  float max() const { return max_; }
  // The first of the largest.
  TokenId largest() const;

  std::size_t blocks() const { return maxima_.size(); }
  std::span<const float> maxima() const { return maxima_; }  // by block
  float block_max(std::size_t block) const { return maxima_[block]; }
  std::size_t block_begin(std::size_t block) const { return block * kLogitBlock; }
  std::size_t block_end(std::size_t block) const {
    return std::min((block + 1) * kLogitBlock, logits_.size());
  }

  // At least `count` logits are as large as this (-infinity where the maxima cannot tell). count
  // >= 1.
  float floor_of_largest(std::size_t count);

  // Calls body(token, logit) for each logit of at least `floor`, by ascending id.
  template <typename Body>
  void for_each_from(float floor, const Body& body) const {
    for (std::size_t block = 0; block < blocks(); ++block) {
      if (maxima_[block] < floor) continue;
      for (std::size_t i = block_begin(block); i < block_end(block); ++i) {
        if (logits_[i] >= floor) body(static_cast<TokenId>(i), logits_[i]);
      }
    }
  }

 private:
  std::span<const float> logits_;
  std::vector<float> maxima_;   // by block
  std::vector<float> scratch_;  // as many
  float max_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_LOGIT_ROW_BLOCKS_H_
