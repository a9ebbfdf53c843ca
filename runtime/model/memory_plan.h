// How much memory a model will take, worked out before any of it is taken.
//
// Everything a decoder ever holds is in the plan, and what the backend keeps for itself: when
// loading succeeds, no later step asks for more.
#ifndef RUNTIME_MODEL_MEMORY_PLAN_H_
#define RUNTIME_MODEL_MEMORY_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "kernels/ops.h"
#include "runtime/model/gguf.h"
#include "runtime/model/layer_split.h"
#include "runtime/model/model_spec.h"

namespace runtime {

// What is wanted. Zero means "the default", which the plan then states.
struct MemoryRequest {
  std::size_t context_tokens =
      0;                      // of one sequence; 0: what the model was trained for, at most 8,192
  std::size_t sequences = 4;  // whole contexts the KV cache holds, where kv_bytes is 0
  std::uint64_t kv_bytes =
      0;  // the KV cache (of each device of the first backend), rounded down to blocks
  std::uint64_t memory_bytes_max = 0;  // of all together; 0: no limit
  std::size_t block_tokens = 32;
  kernels::KvFormat kv_format = kernels::KvFormat::kF16;
  std::size_t rows_max = 256;       // tokens of one step
  std::size_t logit_rows_max = 64;  // rows with logits of one step
};

// The context a plan will have: what a backend must be made for before there can be a plan.
std::size_t planned_context(const ModelSpec& spec, const MemoryRequest& request);

// The part of one stage: where several devices of its backend share each layer, what the fullest
// keeps.
struct StagePlan {
  StageLayers layers;
  std::uint64_t weights_bytes = 0;
  std::uint64_t kv_bytes = 0;
  std::uint64_t activations_bytes = 0;
  std::uint64_t logits_bytes = 0;
  std::uint64_t scratch_bytes = 0;
  std::uint64_t total_bytes = 0;
};

// Bytes are those of all stages.
struct MemoryPlan {
  std::size_t context_tokens = 0;
  kernels::KvShape kv_shape;
  std::size_t kv_tokens() const { return kv_shape.blocks * kv_shape.block_tokens; }

  std::uint64_t weights_bytes = 0;  // matrices, norms and biases, in the backend's layout
  std::uint64_t kv_bytes = 0;
  std::uint64_t activations_bytes =
      0;  // rows on their way through the layers, positions and block tables
  std::uint64_t logits_bytes = 0;   // on the backend, and the copy handed out
  std::uint64_t scratch_bytes = 0;  // the backend's own, taken before there was a plan
  std::uint64_t total_bytes = 0;
  std::vector<StagePlan> stages;  // in the order of the layers

  // One line per item and the total, aligned, for people; and one per stage where there are
  // several.
  std::vector<std::string> summary() const;
};

// kExhausted, with what is needed and what there is, when the limit does not hold even the least
// (weights, one step and one whole context), or not what was asked for; kUnsupported, with the
// tensor's name, when a backend does not compute with one or its devices cannot share it out;
// kInvalidInput when the request contradicts itself or the model. Requires request.rows_max <=
// Ops::limits().rows_max, of every backend.
base::Result<MemoryPlan> plan_memory(const GgufFile& file, const ModelSpec& spec,
                                     std::span<const StageDevice> devices,
                                     const MemoryRequest& request);

// A file that was checked against a backend: what it is, and what it will take.
struct PlannedModel {
  ModelSpec spec;
  MemoryPlan plan;
};

// All that is asked before anything is loaded: spec, tensors, plan, and that the backends were made
// for such a model (backend_limits).
base::Result<PlannedModel> plan_model(const GgufFile& file, std::span<const StageDevice> devices,
                                      const MemoryRequest& request);

}  // namespace runtime

#endif  // RUNTIME_MODEL_MEMORY_PLAN_H_
