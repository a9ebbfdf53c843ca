// Mistral 3 and Ministral 3, which GGUF calls "mistral3" (Mistral 7B to Small 2 come as "llama").
// They stretch their context with YaRN. Beyond the original context they also raise the queries by
// 1 + c ln(1 + position / original), which is not implemented: their context ends where that factor
// would leave 1. A sliding window is honoured where the file gives one (Jiang et al. 2023, section
// 2).
#include "runtime/model/model_spec.h"

namespace runtime {

const Family& mistral_family() {
  static constexpr Family kFamily{
      .architecture = "mistral3",
      .rope_pairs = kernels::RopePairs::kAdjacent,
      .qkv_bias = Presence::kOptional,
      .attention_output_bias = Presence::kOptional,
      .rope_divisors = Presence::kOptional,
      .sliding_window = true,
      .attention_temperature = true,
  };
  return kFamily;
}

}  // namespace runtime
