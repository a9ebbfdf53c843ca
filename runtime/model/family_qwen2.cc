// Qwen2 and Qwen2.5 (Yang et al. 2024): biases on queries, keys and values; rotary pairs are the
// halves of a head. Some of its configurations give a window to the upper layers only; GGUF cannot
// say which, so a window is refused.
#include "runtime/model/model_spec.h"

namespace runtime {

const Family& qwen2_family() {
  static constexpr Family kFamily{
      .architecture = "qwen2",
      .rope_pairs = kernels::RopePairs::kHalves,
      .qkv_bias = Presence::kRequired,
  };
  return kFamily;
}

}  // namespace runtime
