// A model's weights in a backend's own layout.
#ifndef RUNTIME_MODEL_MODEL_WEIGHTS_H_
#define RUNTIME_MODEL_MODEL_WEIGHTS_H_

#include <memory>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
#include "kernels/ops.h"
#include "runtime/model/gguf.h"
#include "runtime/model/layer_split.h"
#include "runtime/model/model_spec.h"
#include "runtime/model/packed_model.h"
#include "runtime/model/tensor_release.h"

namespace runtime {

// Vectors are backend memory, [size] floats; null where the model has none.
struct LayerWeights {
  const float* attention_norm = nullptr;              // [dim]
  std::unique_ptr<kernels::Weight> q;                 // [q_dim, dim]
  std::unique_ptr<kernels::Weight> k;                 // [kv_dim, dim]
  std::unique_ptr<kernels::Weight> v;                 // [kv_dim, dim]
  const float* q_bias = nullptr;                      // [q_dim]
  const float* k_bias = nullptr;                      // [kv_dim]
  const float* v_bias = nullptr;                      // [kv_dim]
  const float* q_norm = nullptr;                      // [head_dim], for every head
  const float* k_norm = nullptr;                      // [head_dim]
  std::unique_ptr<kernels::Weight> attention_output;  // [dim, q_dim]
  const float* attention_output_bias = nullptr;       // [dim]
  const float* mlp_norm = nullptr;                    // [dim]
  std::unique_ptr<kernels::Weight> gate;              // [ff_dim, dim]
  std::unique_ptr<kernels::Weight> up;                // [ff_dim, dim]
  std::unique_ptr<kernels::Weight> down;              // [dim, ff_dim]
};

// Those of one stage: what is not with it is null (StageLayers::holds).
struct ModelWeights {
  std::unique_ptr<kernels::Buffer> vectors;    // all norms and biases; the layers point into it
  std::vector<float> rope_divisors;            // host; empty where the model has none
  std::unique_ptr<kernels::Weight> embedding;  // [vocabulary, dim]
  std::vector<LayerWeights> layers;            // from the stage's first on
  const float* output_norm = nullptr;          // [dim]
  std::unique_ptr<kernels::Weight> output;     // [vocabulary, dim]; null when tied to the embedding

  const kernels::Weight& head() const { return output ? *output : *embedding; }

  // What of the model is where.
  struct Place {
    kernels::Ops* ops = nullptr;
    StageLayers layers;
  };
  // One for each of `places`. Requires that check_tensors found `file` to be as `spec` says. Gives
  // each tensor's pages back to the system once it is loaded, so that the weights are never twice
  // in memory. Refuses vectors with numbers that are not finite.
  static base::Result<std::vector<ModelWeights>> load(base::VerifiedFile& bytes,
                                                      const GgufFile& file, const ModelSpec& spec,
                                                      std::span<const Place> places,
                                                      const LoadProgress& progress);
  // The same, on one backend, of weights that are packed already: matrices stay where they are, so
  // the memory outlives these. Errors as of PackedModel::tensors.
  static base::Result<ModelWeights> adopt(const PackedModel& packed, const ModelSpec& spec,
                                          kernels::Ops& ops);
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_MODEL_WEIGHTS_H_
