// The decoder: a dense transformer composed of a backend's operations. Knows no backend and no
// family by name.
//
//   embed, then for each layer
//     q, k, v = linear(norm(x));  turn q and k, store k and v;  x += linear(attention(q))
//     x += linear(silu(gate(norm(x))) * up(norm(x)))
//   then logits of the rows that asked, and tokens of those who asked for no more.
//
// On several backends it is a pipeline of stages (layer_split.h), one step at a time.
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
#include "runtime/model/stage.h"
#include "runtime/model/step_rows.h"

namespace runtime {

struct TransformerOptions {
  MemoryRequest memory;
  LoadProgress progress;  // called after each tensor; may be empty
  // Counts up during forward(), twice a layer where a backend does not run a step at once; outlives
  // the transformer. May be null.
  std::atomic<std::uint64_t>* progress_counter = nullptr;
};

class Transformer final : public Decoder {
 public:
  // Checks the file, plans memory, and only then loads: a stage on each of `devices`, in their
  // order. Their backends outlive the transformer and were made for the model (backend_limits). On
  // failure everything is given back. The file's bytes are gone afterwards, and every view into
  // them: what else is wanted of the file is read before.
  static base::Result<std::unique_ptr<Transformer>> load(base::VerifiedFile file,
                                                         std::span<const StageDevice> devices,
                                                         const TransformerOptions& options);
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
  bool draws() const override { return stages_.back()->ops().samples(); }
  base::Status copy_block(std::int32_t from, std::int32_t to) override;
  std::size_t host_threads() const override { return stages_.front()->ops().host_threads(); }

  const ModelSpec& spec() const { return spec_; }
  const MemoryPlan& plan() const { return plan_; }

 protected:
  void run_on_host(std::size_t tasks, HostTask run, const void* context) override {
    stages_.front()->ops().for_each_host(tasks, run, context);
  }

 private:
  Transformer(const ModelSpec& spec, const MemoryPlan& plan, const MemoryRequest& request,
              std::span<const float> rope_divisors);
  static base::Result<std::unique_ptr<Transformer>> create(std::span<const StageDevice> devices,
                                                           const PlannedModel& model,
                                                           const TransformerOptions& options,
                                                           std::vector<ModelWeights> weights);

  std::span<const float> turn_rows();
  base::Status run_pipeline();
  base::Result<LogitRows> read_logits();
  base::Status draw_tokens();
  base::Status read_rows(const RowRun& run);

  ModelSpec spec_;
  MemoryPlan plan_;
  DecoderShape shape_;
  std::optional<base::VerifiedWeights>
      packed_;  // what the stage's weights point into, where they do
  RopeTable rope_;
  std::vector<std::unique_ptr<Stage>> stages_;  // in the order of the layers; at least one
  StepRows rows_;
  std::vector<float> cos_sin_;      // host, [rows_max, rope.dims]
  std::vector<float> residual_;     // host, [rows_max, dim], between stages; empty with one
  std::vector<float> logits_;       // host, [logit_rows_max, vocabulary]
  std::vector<float> logits_max_;   // host, [logit_rows_max]
  std::vector<float> log_sum_exp_;  // host, [logit_rows_max]
  std::vector<TokenId> drawn_;      // host, [logit_rows_max]
  std::vector<TokenId> tokens_;     // host, [logit_rows_max]: of the draws, one after the other
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_TRANSFORMER_H_
