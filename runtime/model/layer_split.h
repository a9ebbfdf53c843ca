// A model on several backends: which layers each of them computes.
//
// A stage is consecutive layers on one backend, with their weights, their part of the KV cache and
// work buffers of its own. The first embeds, the last has the head; in between only the residual
// stream crosses. What a row comes to does not depend on where the cuts are.
#ifndef RUNTIME_MODEL_LAYER_SPLIT_H_
#define RUNTIME_MODEL_LAYER_SPLIT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hardening/base/result.h"
#include "kernels/ops.h"
#include "runtime/model/model_spec.h"

namespace runtime {

// A backend that is to have a stage.
struct StageDevice {
  kernels::Ops* ops = nullptr;  // outlives what is made with it; no two stages share one
  std::uint64_t bytes_max = 0;  // of its memory, all together; 0: no limit
};

// Whether a tensor is a layer's, rather than the whole model's.
bool is_of_layer(const TensorSpec& tensor);

struct StageLayers {
  std::size_t first = 0;
  std::size_t count = 0;
  std::size_t of = 0;  // layers of the model

  bool is_first() const { return first == 0; }
  bool is_last() const { return first + count == of; }
  // Whether the stage computes with a tensor. A table that is the head, too, is with both ends.
  bool holds(const TensorSpec& tensor, bool tied_output) const;

  friend bool operator==(const StageLayers&, const StageLayers&) = default;
};

// What a stage may take, and what it takes beside its layers.
struct StageBudget {
  std::uint64_t bytes_max = 0;
  std::uint64_t fixed_bytes = 0;
};

// Cuts layers of such sizes so that the fullest stage, by the share of its memory, is as empty as
// can be; where some stage has no limit, so that the largest is as small as can be. Every stage has
// a layer. kInvalidInput when there are more stages than layers or none, kExhausted when no cut
// fits.
base::Result<std::vector<StageLayers>> split_layers(std::span<const std::uint64_t> layer_bytes,
                                                    std::span<const StageBudget> stages);

}  // namespace runtime

#endif  // RUNTIME_MODEL_LAYER_SPLIT_H_
