#include "runtime/model/transformer.h"

#include <fmt/format.h>

#include <utility>

#include "hardening/base/check.h"
#include "runtime/model/activations.h"
#include "runtime/model/gguf.h"
#include "runtime/model/kernel_status.h"
#include "runtime/model/packed_model.h"

namespace runtime {
namespace {

using base::Result;
using base::Status;

}  // namespace

Result<std::unique_ptr<Transformer>> Transformer::load(base::VerifiedFile bytes, kernels::Ops& ops,
                                                       const TransformerOptions& options) {
  const GgufFile file = TRY(GgufFile::parse(bytes.bytes()));
  const PlannedModel model = TRY(plan_model(file, ops, options.memory));
  ModelWeights weights = TRY(ModelWeights::load(bytes, file, model.spec, ops, options.progress));
  return create(ops, model, options, std::move(weights));
}

Result<std::unique_ptr<Transformer>> Transformer::load(base::VerifiedWeights packed,
                                                       kernels::Ops& ops,
                                                       const TransformerOptions& options) {
  const PackedModel contents = TRY(PackedModel::parse(packed.bytes()));
  const PlannedModel model = TRY(plan_model(contents.file(), ops, options.memory));
  ModelWeights weights = TRY(ModelWeights::adopt(contents, model.spec, ops));
  auto transformer = TRY(create(ops, model, options, std::move(weights)));
  transformer->packed_.emplace(std::move(packed));
  return transformer;
}

Result<std::unique_ptr<Transformer>> Transformer::create(kernels::Ops& ops,
                                                         const PlannedModel& model,
                                                         const TransformerOptions& options,
                                                         ModelWeights weights) {
  std::unique_ptr<Transformer> transformer(
      new Transformer(ops, model.spec, model.plan, options.memory, std::move(weights)));
  TRY(transformer->allocate(options.memory));
  transformer->progress_counter_ = options.progress_counter;
  return transformer;
}

Transformer::Transformer(kernels::Ops& ops, const ModelSpec& spec, const MemoryPlan& plan,
                         const MemoryRequest& request, ModelWeights weights)
    : ops_(ops),
      spec_(spec),
      plan_(plan),
      shape_{.vocabulary = spec.vocabulary,
             .context_tokens_max = plan.context_tokens,
             .block_tokens = plan.kv_shape.block_tokens,
             .blocks = plan.kv_shape.blocks,
             .rows_max = request.rows_max,
             .logit_rows_max = request.logit_rows_max},
      weights_(std::move(weights)),
      rope_(spec.rope, weights_.rope_divisors),
      rows_(shape_) {}

Status Transformer::allocate(const MemoryRequest& request) {
  const std::size_t table_blocks =
      (shape_.context_tokens_max + shape_.block_tokens - 1) / shape_.block_tokens;
  const ActivationBytes bytes = activation_bytes(spec_, {shape_.rows_max, table_blocks});
  const std::size_t logits = shape_.logit_rows_max * shape_.vocabulary;
  const struct {
    std::size_t bytes;
    std::unique_ptr<kernels::Buffer>& buffer;
  } buffers[] = {
      {bytes.residual, work_.residual},
      {bytes.q, work_.q},
      {bytes.k, work_.k},
      {bytes.v, work_.v},
      {bytes.attention, work_.attention},
      {bytes.mlp, work_.mlp},
      {bytes.cos_sin, work_.cos_sin},
      {bytes.rows, work_.rows},
      {bytes.tables, work_.tables},
      {logits * sizeof(float), work_.logits},
  };
  for (const auto& entry : buffers) {
    TRY(to_status(ops_.allocate(entry.bytes, &entry.buffer), "allocate activations"));
  }
  TRY(to_status(ops_.create_kv_cache(plan_.kv_shape, request.kv_format, &kv_cache_),
                "allocate the KV cache"));
  cos_sin_.resize(shape_.rows_max * spec_.rope.dims);
  logits_.resize(logits);
  logits_max_.resize(shape_.logit_rows_max);
  log_sum_exp_.resize(shape_.logit_rows_max);
  return {};
}

Result<LogitRows> Transformer::forward(std::span<const SequenceSlice> slices) {
  rows_.assemble(slices);
  TRY(upload_rows());
  TRY(to_status(ops_.embed(*weights_.embedding, rows_.tokens().data(), rows_.count(),
                           work_.residual->floats()),
                "embed"));
  for (std::size_t layer = 0; layer < spec_.layers; ++layer) TRY(run_layer(layer));
  return read_logits();
}

Status Transformer::copy_block(std::int32_t from, std::int32_t to) {
  return to_status(ops_.kv_copy_block(*kv_cache_, from, to), "copy a KV block");
}

Status Transformer::upload_rows() {
  const std::size_t n = rows_.count();
  const std::size_t dims = spec_.rope.dims;
  for (std::size_t i = 0; i < n; ++i) {
    rope_.fill(rows_.positions()[i], std::span(cos_sin_).subspan(i * dims, dims));
  }
  auto* const row_numbers = static_cast<std::int32_t*>(work_.rows->data());
  const auto copy = [this](void* to, const void* from, std::size_t bytes) {
    return to_status(ops_.copy_in(to, from, bytes), "upload rows");
  };
  TRY(copy(work_.cos_sin->data(), cos_sin_.data(), n * dims * sizeof(float)));
  TRY(copy(row_numbers, rows_.positions().data(), n * sizeof(std::int32_t)));
  TRY(copy(row_numbers + shape_.rows_max, rows_.sequences().data(), n * sizeof(std::int32_t)));
  return copy(work_.tables->data(), rows_.tables().data(), rows_.tables().size_bytes());
}

kernels::Rows Transformer::rows_of(const RowRun& run) const {
  const auto* row_numbers = static_cast<const std::int32_t*>(work_.rows->data());
  return {.n = run.count,
          .positions = row_numbers + run.first,
          .sequences = row_numbers + shape_.rows_max + run.first,
          .block_tables = static_cast<const std::int32_t*>(work_.tables->data()),
          .block_table_stride = rows_.table_stride()};
}

Status Transformer::run_layer(std::size_t index) {
  const LayerWeights& layer = weights_.layers[index];
  const RowRun all{0, rows_.count()};
  const kernels::LinearTerm terms[] = {
      {layer.q.get(), layer.q_bias, work_.q->floats(), spec_.q_dim()},
      {layer.k.get(), layer.k_bias, work_.k->floats(), spec_.kv_dim()},
      {layer.v.get(), layer.v_bias, work_.v->floats(), spec_.kv_dim()},
  };
  TRY(to_status(ops_.norm_linear(work_.residual->floats(), all.count,
                                 {layer.attention_norm, spec_.rms_eps}, terms, std::size(terms)),
                "queries, keys and values"));
  const kernels::Ops::RopeStore rope_store{
      .q = work_.q->floats(),
      .q_stride = spec_.q_dim(),
      .q_heads = spec_.heads,
      .k = work_.k->floats(),
      .v = work_.v->floats(),
      .kv_stride = spec_.kv_dim(),
      .q_norm = {layer.q_norm, spec_.rms_eps},
      .k_norm = {layer.k_norm, spec_.rms_eps},
      .rope = {spec_.rope.pairs, spec_.rope.dims, work_.cos_sin->floats()},
  };
  TRY(to_status(ops_.rope_store(rope_store, rows_of(all), *kv_cache_, index),
                "store keys and values"));

  // Nothing reads the last layer's output but logits: its other rows end here.
  const bool last = index + 1 == spec_.layers;
  for (const RowRun& run : last ? rows_.logit_runs() : std::span(&all, 1)) {
    TRY(attend(layer, index, run));
    count_progress();
    TRY(run_mlp(layer, run));
    count_progress();
  }
  return {};
}

Status Transformer::attend(const LayerWeights& layer, std::size_t index, const RowRun& run) {
  const std::size_t q_dim = spec_.q_dim();
  float* const out = work_.attention->floats() + run.first * q_dim;
  const kernels::Ops::Attention attention{
      .q = work_.q->floats() + run.first * q_dim,
      .q_stride = q_dim,
      .q_heads = spec_.heads,
      .scale = spec_.attention_scale,
      .window = spec_.window,
      .out = out,
      .out_stride = q_dim,
  };
  TRY(to_status(ops_.attention(attention, rows_of(run), *kv_cache_, index), "attention"));
  const kernels::LinearTerm term{layer.attention_output.get(), layer.attention_output_bias,
                                 work_.residual->floats() + run.first * spec_.dim, spec_.dim};
  return to_status(ops_.linear_residual(out, run.count, term), "attention output");
}

Status Transformer::run_mlp(const LayerWeights& layer, const RowRun& run) {
  float* const x = work_.residual->floats() + run.first * spec_.dim;
  float* const hidden = work_.mlp->floats() + run.first * spec_.ff_dim;
  TRY(to_status(ops_.norm_gated_mlp(x, run.count, {layer.mlp_norm, spec_.rms_eps}, *layer.gate,
                                    *layer.up, kernels::Activation::kSilu, hidden),
                "MLP"));
  const kernels::LinearTerm term{layer.down.get(), nullptr, x, spec_.dim};
  return to_status(ops_.linear_residual(hidden, run.count, term), "MLP output");
}

Result<LogitRows> Transformer::read_logits() {
  const std::size_t count = rows_.logit_rows().size();
  const std::size_t vocabulary = shape_.vocabulary;
  if (count == 0) return LogitRows{};
  float* const logits = work_.logits->floats();
  TRY(to_status(ops_.logits(work_.residual->floats(), rows_.logit_rows().data(), count,
                            {weights_.output_norm, spec_.rms_eps}, weights_.head(), logits),
                "logits"));
  TRY(to_status(
      ops_.logit_stats(logits, count, vocabulary, logits_max_.data(), log_sum_exp_.data()),
      "logit statistics"));
  TRY(to_status(ops_.copy_out(logits_.data(), logits, count * vocabulary * sizeof(float)),
                "read logits"));
  return LogitRows{std::span(logits_).first(count * vocabulary),
                   std::span(logits_max_).first(count), std::span(log_sum_exp_).first(count)};
}

}  // namespace runtime
