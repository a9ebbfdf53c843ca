#include "runtime/engine/logit_row_blocks.h"

#include <functional>
#include <limits>

namespace runtime {

TokenId LogitRowBlocks::largest() const {
  // Both zeros are equal here and there.
  const auto block =
      static_cast<std::size_t>(std::find(maxima_.begin(), maxima_.end(), max_) - maxima_.begin());
  const auto begin = logits_.begin() + static_cast<std::ptrdiff_t>(block_begin(block));
  return static_cast<TokenId>(std::find(begin, logits_.end(), max_) - logits_.begin());
}

float LogitRowBlocks::floor_of_largest(std::size_t count) {
  if (count > maxima_.size()) return -std::numeric_limits<float>::infinity();
  scratch_ = maxima_;
  const auto nth = scratch_.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(scratch_.begin(), nth, scratch_.end(), std::greater<>());
  return *nth;
}

}  // namespace runtime
