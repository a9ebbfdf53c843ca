// Qwen3, dense (Yang et al. 2025): no biases, but each head of queries and keys is normalised
// before it is turned; a head's width does not follow from the model's.
#include "runtime/model/model_spec.h"

namespace runtime {

const Family& qwen3_family() {
  static constexpr Family kFamily{
      .architecture = "qwen3",
      .rope_pairs = kernels::RopePairs::kHalves,
      .qk_norm = true,
  };
  return kFamily;
}

}  // namespace runtime
