#include "bench/synth/synthetic_shape.h"

#include <array>

namespace bench {
namespace {

// The two real ones: the config.json of Qwen/Qwen2.5-0.5B and meta-llama/Llama-3.2-1B.
constexpr SyntheticShape kQwen25{
    .name = "qwen2.5-0.5b",
    .architecture = "qwen2",
    .pre_tokenizer = "qwen2",
    .layers = 24,
    .dim = 896,
    .heads = 14,
    .kv_heads = 2,
    .head_dim = 64,
    .ff_dim = 4864,
    .vocabulary = 151'936,
    .context_tokens = 32'768,
    .rope_base = 1e6f,
    .rms_eps = 1e-6f,
    .tied_output = true,
    .qkv_bias = true,
};

constexpr SyntheticShape kLlama32{
    .name = "llama-3.2-1b",
    .architecture = "llama",
    .pre_tokenizer = "llama-bpe",
    .layers = 16,
    .dim = 2048,
    .heads = 32,
    .kv_heads = 8,
    .head_dim = 64,
    .ff_dim = 8192,
    .vocabulary = 128'256,
    .context_tokens = 131'072,
    .rope_base = 5e5f,
    .rms_eps = 1e-5f,
    .tied_output = true,
    .rope = SyntheticRope::kLlama3,
    .rope_factor = 32,
    .rope_original_context = 8192,
};

// Wide enough for one block of a K format, and no more.
constexpr SyntheticShape kTinyLlama{
    .name = "tiny-llama",
    .architecture = "llama",
    .pre_tokenizer = "llama-bpe",
    .layers = 2,
    .dim = 256,
    .heads = 4,
    .kv_heads = 2,
    .head_dim = 64,
    .ff_dim = 512,
    .vocabulary = 512,
    .context_tokens = 256,
    .rope_base = 1e4f,
    .rms_eps = 1e-5f,
};

constexpr SyntheticShape with_rope(SyntheticShape shape, std::string_view name,
                                   SyntheticRope rope) {
  shape.name = name;
  shape.rope = rope;
  shape.rope_factor = 4;
  shape.rope_original_context = 64;
  return shape;
}

constexpr SyntheticShape tiny_qwen2() {
  SyntheticShape shape = kTinyLlama;
  shape.name = "tiny-qwen2";
  shape.architecture = "qwen2";
  shape.pre_tokenizer = "qwen2";
  shape.rope_base = 1e6f;
  shape.rms_eps = 1e-6f;
  shape.tied_output = true;
  shape.qkv_bias = true;
  return shape;
}

constexpr SyntheticShape tiny_qwen3() {
  SyntheticShape shape = tiny_qwen2();
  shape.name = "tiny-qwen3";
  shape.architecture = "qwen3";
  shape.head_dim = 128;  // not dim / heads
  shape.tied_output = false;
  shape.qkv_bias = false;
  shape.qk_norm = true;
  return shape;
}

constexpr SyntheticShape tiny_mistral() {
  SyntheticShape shape = kTinyLlama;
  shape.name = "tiny-mistral";
  shape.architecture = "mistral3";
  shape.window = 24;
  return shape;
}

// As Ministral 3 has it: YaRN with a log multiplier, and no window.
constexpr SyntheticShape tiny_mistral_yarn() {
  SyntheticShape shape = with_rope(tiny_mistral(), "tiny-mistral-yarn", SyntheticRope::kYarn);
  shape.window = 0;
  shape.yarn_log_multiplier = 0.5f;
  return shape;
}

// Wide enough to be shared out among four GPUs (kernels/cuda/tensor_parallel.h).
constexpr SyntheticShape tiny_wide() {
  SyntheticShape shape = tiny_qwen3();
  shape.name = "tiny-wide";
  shape.heads = 16;
  shape.kv_heads = 4;
  shape.ff_dim = 2048;
  return shape;
}

constexpr std::array<SyntheticShape, 11> kShapes{
    kQwen25,
    kLlama32,
    kTinyLlama,
    with_rope(kTinyLlama, "tiny-llama-linear", SyntheticRope::kLinear),
    with_rope(kTinyLlama, "tiny-llama-yarn", SyntheticRope::kYarn),
    with_rope(kTinyLlama, "tiny-llama3", SyntheticRope::kLlama3),
    tiny_qwen2(),
    tiny_qwen3(),
    tiny_wide(),
    tiny_mistral(),
    tiny_mistral_yarn(),
};

}  // namespace

std::span<const SyntheticShape> synthetic_shapes() {
  return kShapes;
}

const SyntheticShape* find_synthetic_shape(std::string_view name) {
  for (const SyntheticShape& shape : kShapes) {
    if (shape.name == name) return &shape;
  }
  return nullptr;
}

}  // namespace bench
