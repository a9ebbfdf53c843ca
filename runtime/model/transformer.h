// The decoder: a dense transformer composed of a backend's operations. Knows no backend and no
// family by name.
//
//   embed, then for each layer
//     q, k, v = linear(norm(x));  turn q and k, store k and v;  x += linear(attention(q))
//     x += linear(silu(gate(norm(x))) * up(norm(x)))
//   then logits of the rows that asked.
#ifndef RUNTIME_MODEL_TRANSFORMER_H_
#define RUNTIME_MODEL_TRANSFORMER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/base/verified_file.h"
#include "hardening/base/verified_weights.h"
#include "kernels/ops.h"
#include "runtime/model/decoder.h"
#include "runtime/model/memory_plan.h"
#include "runtime/model/model_spec.h"
#include "runtime/model/model_weights.h"
#include "runtime/model/rope.h"
#include "runtime/model/step_rows.h"

namespace runtime {

struct TransformerOptions {
  MemoryRequest memory;
  LoadProgress progress;  // called after each tensor; may be empty
  // Counts up during forward(), at least twice a layer; outlives the transformer. May be null.
  std::atomic<std::uint64_t>* progress_counter = nullptr;
};

class Transformer final : public Decoder {
 public:
  // Checks the file, plans memory, and only then loads. `ops` outlives the transformer and was made
  // for the model (backend_limits). On failure everything is given back. The file's bytes are gone
  // afterwards, and every view into them: what else is wanted of the file is read before.
  static base::Result<std::unique_ptr<Transformer>> load(base::VerifiedFile file, kernels::Ops& ops,
                                                         const TransformerOptions& options);
  // The same with weights that pack_model made, in this process or in one before it: computes with
  // them where they are and reads no others. kUnsupported when they are in another layout than
  // `ops` computes with.
  static base::Result<std::unique_ptr<Transformer>> load(base::VerifiedWeights weights,
                                                         kernels::Ops& ops,
                                                         const TransformerOptions& options);

  const DecoderShape& shape() const override { return shape_; }
  base::Result<LogitRows> forward(std::span<const SequenceSlice> slices) override;
  base::Status copy_block(std::int32_t from, std::int32_t to) override;
  std::size_t host_threads() const override { return ops_.host_threads(); }

  const ModelSpec& spec() const { return spec_; }
  const MemoryPlan& plan() const { return plan_; }

 protected:
  void run_on_host(std::size_t tasks, HostTask run, const void* context) override {
    ops_.for_each_host(tasks, run, context);
  }

 private:
  // Backend memory a forward pass works in; sizes in activations.h.
  struct Work {
    std::unique_ptr<kernels::Buffer> residual, q, k, v, attention, mlp, cos_sin, rows, tables;
    std::unique_ptr<kernels::Buffer> logits;  // [logit_rows_max, vocabulary]
  };

  Transformer(kernels::Ops& ops, const ModelSpec& spec, const MemoryPlan& plan,
              const MemoryRequest& request, ModelWeights weights);
  static base::Result<std::unique_ptr<Transformer>> create(kernels::Ops& ops,
                                                           const PlannedModel& model,
                                                           const TransformerOptions& options,
                                                           ModelWeights weights);
  base::Status allocate(const MemoryRequest& request);

  base::Status upload_rows();
  base::Status attend(const LayerWeights& layer, std::size_t index, const RowRun& run);
  base::Status run_mlp(const LayerWeights& layer, const RowRun& run);
  base::Status run_layer(std::size_t index);
  base::Result<LogitRows> read_logits();
  kernels::Rows rows_of(const RowRun& run) const;
  void count_progress() {
    if (progress_counter_ != nullptr) progress_counter_->fetch_add(1, std::memory_order_relaxed);
  }

  kernels::Ops& ops_;
  ModelSpec spec_;
  MemoryPlan plan_;
  DecoderShape shape_;
  std::optional<base::VerifiedWeights> packed_;  // what weights_ point into, where they do
  ModelWeights weights_;
  RopeTable rope_;
  std::unique_ptr<kernels::KvCache> kv_cache_;
  Work work_;
  StepRows rows_;
  std::vector<float> cos_sin_;      // host, [rows_max, rope.dims]
  std::vector<float> logits_;       // host, [logit_rows_max, vocabulary]
  std::vector<float> logits_max_;   // host, [logit_rows_max]
  std::vector<float> log_sum_exp_;  // host, [logit_rows_max]
  std::atomic<std::uint64_t>* progress_counter_ = nullptr;
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_TRANSFORMER_H_
