// An architecture as data: what a decoder needs to know to compute a model, and which tensors the
// file must have for it.
//
// All families here are one shape of transformer (RMS norm before each half, rotary attention with
// grouped heads, SwiGLU); what differs is a Family, one small file each, and the numbers are the
// file's metadata.
#ifndef RUNTIME_MODEL_MODEL_SPEC_H_
#define RUNTIME_MODEL_MODEL_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "kernels/ops.h"
#include "runtime/model/gguf.h"
#include "runtime/model/rope.h"

namespace runtime {

enum class Presence : std::uint8_t { kAbsent, kOptional, kRequired };

// What all models of a GGUF "general.architecture" have in common.
struct Family {
  std::string_view architecture;
  kernels::RopePairs rope_pairs = kernels::RopePairs::kAdjacent;
  Presence qkv_bias = Presence::kAbsent;
  Presence attention_output_bias = Presence::kAbsent;
  Presence rope_divisors = Presence::kAbsent;  // llama3's scaling of rotary frequencies
  bool qk_norm = false;                        // RMS norm of each head of queries and keys
  bool sliding_window = false;                 // may have one; elsewhere the key is refused
  bool attention_temperature = false;  // queries grow with position beyond the original context
};

const Family& llama_family();
const Family& qwen2_family();
const Family& qwen3_family();
const Family& mistral_family();

// Every family, for messages and tests.
std::span<const Family* const> families();

struct ModelSpec {
  const Family* family = nullptr;
  std::size_t layers = 0;
  std::size_t dim = 0;  // of the residual stream
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t head_dim = 0;  // need not be dim / heads
  std::size_t ff_dim = 0;
  std::size_t vocabulary = 0;
  std::size_t context_tokens_max =
      0;  // as trained, less where something of longer contexts is not implemented
  float rms_eps = 0;
  float attention_scale = 0;  // 1/sqrt(head_dim) unless the file says otherwise
  std::int32_t window = 0;    // positions attention sees; 0 for all
  bool qkv_bias = false;
  bool attention_output_bias = false;
  bool tied_output = false;  // the output matrix is the embedding table
  bool has_rope_divisors = false;
  RopeSpec rope;

  std::size_t q_dim() const { return heads * head_dim; }
  std::size_t kv_dim() const { return kv_heads * head_dim; }
};

// Reads and checks the metadata; looks at tensors only for their presence. kUnsupported names what
// is not implemented, an unknown key of the architecture included; kInvalidInput what contradicts
// itself.
base::Result<ModelSpec> read_model_spec(const GgufFile& file);

enum class TensorRole : std::uint8_t {
  kTokenEmbedding,
  kOutputNorm,
  kOutput,
  kRopeDivisors,
  kAttentionNorm,
  kQuery,
  kKey,
  kValue,
  kQueryBias,
  kKeyBias,
  kValueBias,
  kQueryNorm,
  kKeyNorm,
  kAttentionOutput,
  kAttentionOutputBias,
  kMlpNorm,
  kMlpGate,
  kMlpUp,
  kMlpDown,
};

// How a backend of several devices shares a matrix of such a role out: what heads and the MLP's
// inner units are computed from by rows, what takes them back to the residual stream by columns.
kernels::WeightSplit weight_split(TensorRole role);

// A tensor the file must have. Vectors have one row, and are F32; matrices are [rows, cols] in any
// format.
struct TensorSpec {
  std::string name;
  TensorRole role;
  std::size_t layer = 0;  // 0 for those of no layer
  std::size_t rows = 0;
  std::size_t cols = 0;
  bool vector = false;
};

// All tensors of a model, in the order of computation.
std::vector<TensorSpec> expected_tensors(const ModelSpec& spec);

// Fails unless the file has exactly the expected tensors: names the first that is missing, has
// another shape or format, or is not expected.
base::Status check_tensors(const GgufFile& file, std::span<const TensorSpec> expected);

// What a backend must be made for to run this model.
kernels::Limits backend_limits(const ModelSpec& spec, std::size_t rows_max,
                               std::size_t context_tokens);

}  // namespace runtime

#endif  // RUNTIME_MODEL_MODEL_SPEC_H_
