// Consecutive layers of a model on one backend, with all that a forward pass needs there.
#ifndef RUNTIME_MODEL_STAGE_H_
#define RUNTIME_MODEL_STAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "hardening/base/result.h"
#include "kernels/ops.h"
#include "runtime/model/layer_split.h"
#include "runtime/model/memory_plan.h"
#include "runtime/model/model_spec.h"
#include "runtime/model/model_weights.h"
#include "runtime/model/step_rows.h"

namespace runtime {

class Stage {
 public:
  struct Options {
    StageLayers layers;
    kernels::KvShape kv_shape;  // of the whole model
    kernels::KvFormat kv_format = kernels::KvFormat::kF16;
    // Counts up as the stage gets on; outlives it. May be null.
    std::atomic<std::uint64_t>* progress_counter = nullptr;
  };

  // `ops` and `spec` outlive the stage. kExhausted, kUnsupported or kDevice, as the backend has it.
  static base::Result<std::unique_ptr<Stage>> create(kernels::Ops& ops, const ModelSpec& spec,
                                                     const DecoderShape& shape,
                                                     const Options& options, ModelWeights weights);

  kernels::Ops& ops() const { return ops_; }
  const ModelWeights& weights() const { return weights_; }

  // Each of the next is about the rows of one forward pass; `rows` stays as it is through all of
  // them.

  // cos_sin [rows.count(), rope.dims]. Before anything else, and outside of a step of the
  // backend's.
  base::Status upload(const StepRows& rows, std::span<const float> cos_sin);
  // All from the tokens to the logits, as a step: of a stage that has all layers.
  base::Status run_whole(const StepRows& rows);

  base::Status embed(const StepRows& rows);  // of the first
  base::Status run_layers(const StepRows& rows);
  base::Status compute_logits(const StepRows& rows);  // of the last; nothing where no row wants any
  // The residual stream, [rows.count(), dim], out of one stage and into the next.
  base::Status read_residual(const StepRows& rows, std::span<float> out) const;
  base::Status write_residual(const StepRows& rows, std::span<const float> from);

  // [rows.logit_rows().size(), vocabulary], in the backend's memory.
  const float* logits() const { return work_.logits->floats(); }

  base::Status copy_block(std::int32_t from, std::int32_t to);

 private:
  // Backend memory a forward pass works in; sizes in activations.h.
  struct Work {
    std::unique_ptr<kernels::Buffer> residual, q, k, v, attention, mlp, cos_sin, rows, tables;
    std::unique_ptr<kernels::Buffer> logits;  // [logit_rows_max, vocabulary]; of the last stage
  };

  Stage(kernels::Ops& ops, const ModelSpec& spec, const DecoderShape& shape, const Options& options,
        ModelWeights weights);
  base::Status allocate();

  base::Status run_operations(const StepRows& rows);
  base::Status run_layer(const StepRows& rows, std::size_t index);
  base::Status attend(const StepRows& rows, std::size_t index, const RowRun& run);
  base::Status run_mlp(std::size_t index, const RowRun& run);
  kernels::Rows rows_of(const StepRows& rows, const RowRun& run) const;
  base::Status check(kernels::Status status, std::string_view doing) const;
  void count_progress() {
    if (options_.progress_counter != nullptr)
      options_.progress_counter->fetch_add(1, std::memory_order_relaxed);
  }

  kernels::Ops& ops_;
  const ModelSpec& spec_;
  DecoderShape shape_;
  Options options_;
  ModelWeights weights_;
  std::unique_ptr<kernels::KvCache> kv_cache_;
  Work work_;
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_STAGE_H_
