#include "runtime/model/stage.h"

#include <utility>

#include "hardening/base/check.h"
#include "runtime/model/activations.h"
#include "runtime/model/kernel_status.h"

namespace runtime {

using base::Result;
using base::Status;

Result<std::unique_ptr<Stage>> Stage::create(kernels::Ops& ops, const ModelSpec& spec,
                                             const DecoderShape& shape, const Options& options,
                                             ModelWeights weights) {
  std::unique_ptr<Stage> stage(new Stage(ops, spec, shape, options, std::move(weights)));
  TRY(stage->allocate());
  return stage;
}

Stage::Stage(kernels::Ops& ops, const ModelSpec& spec, const DecoderShape& shape,
             const Options& options, ModelWeights weights)
    : ops_(ops), spec_(spec), shape_(shape), options_(options), weights_(std::move(weights)) {}

Status Stage::allocate() {
  const std::size_t table_blocks =
      (shape_.context_tokens_max + shape_.block_tokens - 1) / shape_.block_tokens;
  const ActivationBytes bytes = activation_bytes(spec_, {shape_.rows_max, table_blocks});
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
  };
  for (const auto& entry : buffers) {
    TRY(check(ops_.allocate(entry.bytes, &entry.buffer), "allocate activations"));
  }
  if (options_.layers.is_last()) {
    const std::size_t logits = shape_.logit_rows_max * shape_.vocabulary;
    TRY(check(ops_.allocate(logits * sizeof(float), &work_.logits), "allocate logits"));
  }
  kernels::KvShape shape = options_.kv_shape;
  shape.layers = options_.layers.count;
  return check(ops_.create_kv_cache(shape, options_.kv_format, &kv_cache_),
               "allocate the KV cache");
}

Status Stage::check(kernels::Status status, std::string_view doing) const {
  return to_status(status, doing, ops_);
}

Status Stage::copy_block(std::int32_t from, std::int32_t to) {
  return check(ops_.kv_copy_block(*kv_cache_, from, to), "copy a KV block");
}

Status Stage::upload(const StepRows& rows, std::span<const float> cos_sin) {
  const std::size_t n = rows.count();
  auto* const row_numbers = static_cast<std::int32_t*>(work_.rows->data());
  const auto copy = [this](void* to, const void* from, std::size_t bytes) {
    return check(ops_.copy_in(to, from, bytes), "upload rows");
  };
  TRY(copy(work_.cos_sin->data(), cos_sin.data(), cos_sin.size_bytes()));
  TRY(copy(row_numbers, rows.positions().data(), n * sizeof(std::int32_t)));
  TRY(copy(row_numbers + shape_.rows_max, rows.sequences().data(), n * sizeof(std::int32_t)));
  return copy(work_.tables->data(), rows.tables().data(), rows.tables().size_bytes());
}

kernels::Rows Stage::rows_of(const StepRows& rows, const RowRun& run) const {
  const auto* row_numbers = static_cast<const std::int32_t*>(work_.rows->data());
  return {.n = run.count,
          .positions = row_numbers + run.first,
          .sequences = row_numbers + shape_.rows_max + run.first,
          .block_tables = static_cast<const std::int32_t*>(work_.tables->data()),
          .block_table_stride = rows.table_stride()};
}

Status Stage::run_whole(const StepRows& rows) {
  const kernels::Step step{.rows = rows_of(rows, {0, rows.count()}),
                           .tokens = rows.tokens().data(),
                           .logit_rows = rows.logit_rows().data(),
                           .logit_count = rows.logit_rows().size(),
                           .position_max = rows.position_max(),
                           .decode = rows.decode()};
  bool replayed = false;
  TRY(check(ops_.begin_step(step, &replayed), "begin a step"));
  if (!replayed) TRY(run_operations(rows));
  TRY(check(ops_.end_step(), "end a step"));
  count_progress();
  return {};
}

Status Stage::run_operations(const StepRows& rows) {
  TRY(embed(rows));
  TRY(run_layers(rows));
  return compute_logits(rows);
}

Status Stage::embed(const StepRows& rows) {
  return check(
      ops_.embed(*weights_.embedding, rows.tokens().data(), rows.count(), work_.residual->floats()),
      "embed");
}

Status Stage::run_layers(const StepRows& rows) {
  for (std::size_t index = 0; index < options_.layers.count; ++index) TRY(run_layer(rows, index));
  return {};
}

Status Stage::run_layer(const StepRows& rows, std::size_t index) {
  const LayerWeights& layer = weights_.layers[index];
  const RowRun all{0, rows.count()};
  const kernels::LinearTerm terms[] = {
      {layer.q.get(), layer.q_bias, work_.q->floats(), spec_.q_dim()},
      {layer.k.get(), layer.k_bias, work_.k->floats(), spec_.kv_dim()},
      {layer.v.get(), layer.v_bias, work_.v->floats(), spec_.kv_dim()},
  };
  TRY(check(ops_.norm_linear(work_.residual->floats(), all.count,
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
  TRY(check(ops_.rope_store(rope_store, rows_of(rows, all), *kv_cache_, index),
            "store keys and values"));

  // Nothing reads the last layer's output but logits: its other rows end here. In decode all rows
  // have logits, and are one run.
  const bool last = options_.layers.first + index + 1 == options_.layers.of;
  for (const RowRun& run : last ? rows.logit_runs() : std::span(&all, 1)) {
    TRY(attend(rows, index, run));
    count_progress();
    TRY(run_mlp(index, run));
    count_progress();
  }
  return {};
}

Status Stage::attend(const StepRows& rows, std::size_t index, const RowRun& run) {
  const LayerWeights& layer = weights_.layers[index];
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
  TRY(check(ops_.attention(attention, rows_of(rows, run), *kv_cache_, index), "attention"));
  const kernels::LinearTerm term{layer.attention_output.get(),
                                 layer.attention_output_bias,
                                 work_.residual->floats() + run.first * spec_.dim,
                                 spec_.dim,
                                 {layer.mlp_norm, spec_.rms_eps}};
  return check(ops_.linear_residual(out, run.count, term), "attention output");
}

Status Stage::run_mlp(std::size_t index, const RowRun& run) {
  const LayerWeights& layer = weights_.layers[index];
  // Behind the stage's last layer come logits, of some of the rows, or another stage.
  const bool more = index + 1 < options_.layers.count;
  float* const x = work_.residual->floats() + run.first * spec_.dim;
  float* const hidden = work_.mlp->floats() + run.first * spec_.ff_dim;
  TRY(check(ops_.norm_gated_mlp(x, run.count, {layer.mlp_norm, spec_.rms_eps}, *layer.gate,
                                *layer.up, kernels::Activation::kSilu, hidden),
            "MLP"));
  const kernels::LinearTerm term{
      layer.down.get(),
      nullptr,
      x,
      spec_.dim,
      {more ? weights_.layers[index + 1].attention_norm : nullptr, spec_.rms_eps}};
  return check(ops_.linear_residual(hidden, run.count, term), "MLP output");
}

Status Stage::compute_logits(const StepRows& rows) {
  if (rows.logit_rows().empty()) return {};
  return check(
      ops_.logits(work_.residual->floats(), rows.logit_rows().data(), rows.logit_rows().size(),
                  {weights_.output_norm, spec_.rms_eps}, weights_.head(), work_.logits->floats()),
      "logits");
}

Status Stage::read_residual(const StepRows& rows, std::span<float> out) const {
  const std::size_t floats = rows.count() * spec_.dim;
  CHECK(out.size() >= floats);
  return check(ops_.copy_out(out.data(), work_.residual->data(), floats * sizeof(float)),
               "read the residual stream");
}

Status Stage::write_residual(const StepRows& rows, std::span<const float> from) {
  const std::size_t floats = rows.count() * spec_.dim;
  CHECK(from.size() >= floats);
  return check(ops_.copy_in(work_.residual->data(), from.data(), floats * sizeof(float)),
               "write the residual stream");
}

}  // namespace runtime
