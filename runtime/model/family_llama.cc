// Llama 1 to 3.x (Touvron et al. 2023; Grattafiori et al. 2024), and the Mistral models that GGUF
// files carry under this name. Converters permute q and k so that rotary pairs are adjacent.
// Llama 3.1 and later bring divisors of the rotary frequencies as a tensor.
#include "runtime/model/model_spec.h"

namespace runtime {

const Family& llama_family() {
  static constexpr Family kFamily{
      .architecture = "llama",
      .rope_pairs = kernels::RopePairs::kAdjacent,
      .qkv_bias = Presence::kOptional,
      .attention_output_bias = Presence::kOptional,
      .rope_divisors = Presence::kOptional,
      .sliding_window = true,
  };
  return kFamily;
}

}  // namespace runtime
