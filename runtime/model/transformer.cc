#include "runtime/model/transformer.h"

#include <algorithm>
#include <utility>

#include "hardening/base/check.h"
#include "runtime/model/gguf.h"
#include "runtime/model/kernel_status.h"
#include "runtime/model/packed_model.h"

namespace runtime {

using base::Result;
using base::Status;

Result<std::unique_ptr<Transformer>> Transformer::load(base::VerifiedFile bytes,
                                                       std::span<const StageDevice> devices,
                                                       const TransformerOptions& options) {
  CHECK(!devices.empty());
  const GgufFile file = TRY(GgufFile::parse(bytes.bytes()));
  const PlannedModel model = TRY(plan_model(file, devices, options.memory));
  std::vector<ModelWeights::Place> places;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    places.push_back({devices[i].ops, model.plan.stages[i].layers});
  }
  auto weights = TRY(ModelWeights::load(bytes, file, model.spec, places, options.progress));
  return create(devices, model, options, std::move(weights));
}

Result<std::unique_ptr<Transformer>> Transformer::load(base::VerifiedFile bytes, kernels::Ops& ops,
                                                       const TransformerOptions& options) {
  const StageDevice device{.ops = &ops};
  return load(std::move(bytes), std::span(&device, 1), options);
}

Result<std::unique_ptr<Transformer>> Transformer::load(base::VerifiedWeights packed,
                                                       kernels::Ops& ops,
                                                       const TransformerOptions& options) {
  const StageDevice device{.ops = &ops};
  const std::span devices(&device, 1);
  const PackedModel contents = TRY(PackedModel::parse(packed.bytes()));
  const PlannedModel model = TRY(plan_model(contents.file(), devices, options.memory));
  std::vector<ModelWeights> weights;
  weights.push_back(TRY(ModelWeights::adopt(contents, model.spec, ops)));
  auto transformer = TRY(create(devices, model, options, std::move(weights)));
  transformer->packed_.emplace(std::move(packed));
  return transformer;
}

Result<std::unique_ptr<Transformer>> Transformer::create(std::span<const StageDevice> devices,
                                                         const PlannedModel& model,
                                                         const TransformerOptions& options,
                                                         std::vector<ModelWeights> weights) {
  std::unique_ptr<Transformer> transformer(
      new Transformer(model.spec, model.plan, options.memory, weights.front().rope_divisors));
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Stage::Options stage{.layers = model.plan.stages[i].layers,
                               .kv_shape = model.plan.kv_shape,
                               .kv_format = options.memory.kv_format,
                               .progress_counter = options.progress_counter};
    transformer->stages_.push_back(TRY(Stage::create(
        *devices[i].ops, transformer->spec_, transformer->shape_, stage, std::move(weights[i]))));
  }
  if (devices.size() > 1) transformer->residual_.resize(options.memory.rows_max * model.spec.dim);
  return transformer;
}

Transformer::Transformer(const ModelSpec& spec, const MemoryPlan& plan,
                         const MemoryRequest& request, std::span<const float> rope_divisors)
    : spec_(spec),
      plan_(plan),
      shape_{.vocabulary = spec.vocabulary,
             .context_tokens_max = plan.context_tokens,
             .block_tokens = plan.kv_shape.block_tokens,
             .blocks = plan.kv_shape.blocks,
             .rows_max = request.rows_max,
             .logit_rows_max = request.logit_rows_max},
      rope_(spec.rope, rope_divisors),
      rows_(shape_),
      cos_sin_(shape_.rows_max * spec.rope.dims),
      logits_(shape_.logit_rows_max * shape_.vocabulary),
      logits_max_(shape_.logit_rows_max),
      log_sum_exp_(shape_.logit_rows_max),
      drawn_(shape_.logit_rows_max),
      tokens_(shape_.logit_rows_max) {}

Result<LogitRows> Transformer::forward(std::span<const SequenceSlice> slices) {
  rows_.assemble(slices);
  CHECK(rows_.draws().empty() || draws());
  const std::span<const float> cos_sin = turn_rows();
  for (const auto& stage : stages_) TRY(stage->upload(rows_, cos_sin));
  TRY(stages_.size() == 1 ? stages_.front()->run_whole(rows_) : run_pipeline());
  return read_logits();
}

// The cosines and sines of the step's rows.
std::span<const float> Transformer::turn_rows() {
  const std::size_t dims = spec_.rope.dims;
  for (std::size_t i = 0; i < rows_.count(); ++i) {
    rope_.fill(rows_.positions()[i], std::span(cos_sin_).subspan(i * dims, dims));
  }
  return std::span(cos_sin_).first(rows_.count() * dims);
}

Status Transformer::run_pipeline() {
  TRY(stages_.front()->embed(rows_));
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (i > 0) TRY(stages_[i]->write_residual(rows_, residual_));
    TRY(stages_[i]->run_layers(rows_));
    if (i + 1 < stages_.size()) TRY(stages_[i]->read_residual(rows_, residual_));
  }
  return stages_.back()->compute_logits(rows_);
}

Status Transformer::copy_block(std::int32_t from, std::int32_t to) {
  for (const auto& stage : stages_) TRY(stage->copy_block(from, to));
  return {};
}

Result<LogitRows> Transformer::read_logits() {
  const std::size_t count = rows_.logit_rows().size();
  if (count == 0) return LogitRows{};
  TRY(draw_tokens());
  for (const RowRun& run : rows_.host_logits()) TRY(read_rows(run));
  return LogitRows{std::span(logits_).first(count * shape_.vocabulary),
                   std::span(logits_max_).first(count), std::span(log_sum_exp_).first(count),
                   std::span(drawn_).first(rows_.draws().empty() ? 0 : count)};
}

Status Transformer::draw_tokens() {
  const std::span<const kernels::SampleRow> draws = rows_.draws();
  if (draws.empty()) return {};
  const Stage& last = *stages_.back();
  TRY(to_status(last.ops().sample(last.logits(), shape_.vocabulary, draws.data(), draws.size(),
                                  tokens_.data()),
                "draw tokens", last.ops()));
  std::ranges::fill(drawn_, kNoToken);
  for (std::size_t i = 0; i < draws.size(); ++i) drawn_[draws[i].row] = tokens_[i];
  return {};
}

// Logits of adjacent rows, and what log-probabilities follow from.
Status Transformer::read_rows(const RowRun& run) {
  const Stage& last = *stages_.back();
  const std::size_t vocabulary = shape_.vocabulary;
  const float* const logits = last.logits() + run.first * vocabulary;
  TRY(to_status(last.ops().logit_stats(logits, run.count, vocabulary, &logits_max_[run.first],
                                       &log_sum_exp_[run.first]),
                "logit statistics", last.ops()));
  return to_status(last.ops().copy_out(&logits_[run.first * vocabulary], logits,
                                       run.count * vocabulary * sizeof(float)),
                   "read logits", last.ops());
}

}  // namespace runtime
