// The shapes synthetic models come in: those of two real models, for timing, and tiny ones of every
// family and rotary scaling, for tests.
#ifndef BENCH_SYNTH_SYNTHETIC_SHAPE_H_
#define BENCH_SYNTH_SYNTHETIC_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace bench {

enum class SyntheticRope : std::uint8_t { kPlain, kLinear, kYarn, kLlama3 };

struct SyntheticShape {
  std::string_view name;
  std::string_view architecture;  // as GGUF has it
  std::string_view pre_tokenizer;
  std::uint32_t layers;
  std::uint32_t dim;
  std::uint32_t heads;
  std::uint32_t kv_heads;
  std::uint32_t head_dim;
  std::uint32_t ff_dim;
  std::uint32_t vocabulary;
  std::uint32_t context_tokens;
  float rope_base;
  float rms_eps;
  bool tied_output = false;
  bool qkv_bias = false;
  bool qk_norm = false;
  std::uint32_t window = 0;
  SyntheticRope rope = SyntheticRope::kPlain;
  float rope_factor = 1;
  std::uint32_t rope_original_context = 0;
  float yarn_log_multiplier = 0;
};

std::span<const SyntheticShape> synthetic_shapes();
// Null when there is none of that name.
const SyntheticShape* find_synthetic_shape(std::string_view name);

}  // namespace bench

#endif  // BENCH_SYNTH_SYNTHETIC_SHAPE_H_
