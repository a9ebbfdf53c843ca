// The operations of kernels/ops.h: each is one launch, or a few.
//
// Between operations rows are float32, but for two: what attention and norm_gated_mlp write for
// linear_residual is bf16, in the first half of the memory of each row of floats. linear_residual
// reads it in place where a row is a whole number of records, else a padded copy.
#include <algorithm>
#include <cmath>

#include "kernels/check.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_kv_cache.h"
#include "kernels/cuda/narrow.h"
#include "kernels/half.h"

namespace kernels::cuda {
namespace {

const CudaWeight& cuda_weight(const Weight* weight) {
  KERNELS_CHECK(weight != nullptr);
  return static_cast<const CudaWeight&>(*weight);
}

LinearMatrix matrix_of(const LinearTerm& term) {
  LinearMatrix matrix = cuda_weight(term.weight).matrix();
  KERNELS_CHECK(term.out_stride >= matrix.shape.rows);
  matrix.bias = term.bias;
  matrix.out = term.out;
  matrix.out_stride = narrow(term.out_stride);
  return matrix;
}

// Rows of bf16 in the memory of as many floats.
std::uint16_t* bf16_rows(float* rows) {
  return reinterpret_cast<std::uint16_t*>(rows);
}
const std::uint16_t* bf16_rows(const float* rows) {
  return reinterpret_cast<const std::uint16_t*>(rows);
}
std::uint32_t bf16_stride(std::size_t floats) {
  return narrow(2 * floats);
}

}  // namespace

// ---- rows ---------------------------------------------------------------------------------------

RowCount CudaOps::row_count(std::size_t n) const {
  KERNELS_CHECK(n >= 1 && n <= options_.limits.rows_max);
  if (!recorder_.recording()) return {narrow(n), nullptr};
  KERNELS_CHECK(n == step_.rows.n);
  return {recorder_.bucket_rows(), inputs_.rows()};
}

RowCount CudaOps::logit_count(std::size_t count) const {
  KERNELS_CHECK(count >= 1 && count <= options_.limits.rows_max);
  if (!recorder_.recording()) return {narrow(count), nullptr};
  return {recorder_.bucket_rows(), inputs_.logit_count()};
}

RowTable CudaOps::row_table(const Rows& rows) const {
  if (recorder_.recording()) {
    const Rows& announced = step_.rows;
    KERNELS_CHECK(rows.positions == announced.positions && rows.sequences == announced.sequences &&
                  rows.block_tables == announced.block_tables &&
                  rows.block_table_stride == announced.block_table_stride);
  }
  return {row_count(rows.n), rows.positions, rows.sequences, rows.block_tables,
          narrow(rows.block_table_stride)};
}

Status CudaOps::embed(const Weight& table, const std::int32_t* tokens, std::size_t n, float* out) {
  const RowCount rows = row_count(n);
  for (std::size_t i = 0; i < n; ++i)
    KERNELS_CHECK(tokens[i] >= 0 && static_cast<std::size_t>(tokens[i]) < table.rows());
  if (stepping_) {
    KERNELS_CHECK(tokens == step_.tokens && n == step_.rows.n);
  } else {
    const Status status = inputs_.upload({tokens, n, nullptr, 0});
    if (status != Status::kOk) return status;
  }
  if (recorder_.recording()) tokens_below_ = table.rows();
  prepared_ = {};
  const CudaWeight& weight = cuda_weight(&table);
  return run_embed(*device_, kernels_.rows,
                   {weight.shape(), weight.tiles(), inputs_.tokens(), rows, out});
}

Status CudaOps::normalise(const float* x, const std::int32_t* indexes, RowCount n, std::size_t cols,
                          const RmsNorm& norm) {
  prepared_ = {};
  NormCall call;
  call.x = x;
  call.indexes = indexes;
  call.n = n;
  call.cols = narrow(cols);
  call.weight = norm.weight;
  call.square_sums = square_sums_.as<float>();
  call.out = normed_.as<std::uint16_t>();
  call.out_stride = narrow(activation_cols_);
  call.padded_cols = narrow((cols + 255) / 256 * 256);  // of any record
  return run_norm(*device_, kernels_.rows, call);
}

Status CudaOps::normalise_rows(const float* x, RowCount n, std::size_t cols, const RmsNorm& norm) {
  const bool prepared = norm.weight != nullptr && prepared_.weight == norm.weight &&
                        prepared_.x == x && prepared_.rows == n.rows_max;
  return prepared ? Status::kOk : normalise(x, nullptr, n, cols, norm);
}

NormScale CudaOps::norm_scale(std::size_t cols, const RmsNorm& norm) const {
  if (norm.weight == nullptr) return {};
  return {square_sums_.as<const float>(), narrow(cols), norm.eps};
}

// ---- linear operations --------------------------------------------------------------------------

LinearCall CudaOps::normed_call(LinearMode mode, const LinearMatrix* matrices, std::size_t count,
                                RowCount n, std::size_t cols, const RmsNorm& norm) const {
  LinearCall call;
  call.mode = mode;
  call.matrices = matrices;
  call.matrix_count = narrow(count);
  call.x = normed_.as<const std::uint16_t>();
  call.x_stride = narrow(activation_cols_);
  call.n = n;
  call.scale = norm_scale(cols, norm);
  return call;
}

Status CudaOps::norm_linear(const float* x, std::size_t n, const RmsNorm& norm,
                            const LinearTerm* terms, std::size_t term_count) {
  KERNELS_CHECK(term_count >= 1 && term_count <= kMatricesMax);
  const RowCount rows = row_count(n);
  const std::size_t cols = cuda_weight(terms[0].weight).cols();
  Status status = normalise_rows(x, rows, cols, norm);
  // One launch for each tile format.
  bool done[kMatricesMax] = {};
  for (std::size_t first = 0; first < term_count && status == Status::kOk; ++first) {
    if (done[first]) continue;
    LinearMatrix matrices[kMatricesMax];
    std::size_t count = 0;
    for (std::size_t t = first; t < term_count; ++t) {
      const CudaWeight& weight = cuda_weight(terms[t].weight);
      KERNELS_CHECK(weight.cols() == cols);
      if (weight.shape().format != cuda_weight(terms[first].weight).shape().format) continue;
      matrices[count++] = matrix_of(terms[t]);
      done[t] = true;
    }
    status = run_linear(*device_, kernels_.linear,
                        normed_call(LinearMode::kStore, matrices, count, rows, cols, norm));
  }
  return status;
}

Status CudaOps::residual_input(const float* x, const TileShape& shape, RowCount n,
                               LinearCall* call) {
  call->n = n;
  const bool in_place =
      shape.padded_cols() == shape.cols && reinterpret_cast<std::uintptr_t>(x) % 16 == 0;
  if (in_place) {
    call->x = bf16_rows(x);
    call->x_stride = bf16_stride(shape.cols);
    return Status::kOk;
  }
  call->x = activations_.as<const std::uint16_t>();
  call->x_stride = narrow(activation_cols_);
  PadCall pad;
  pad.x = bf16_rows(x);
  pad.x_stride = bf16_stride(shape.cols);
  pad.n = n;
  pad.cols = shape.cols;
  pad.out = activations_.as<std::uint16_t>();
  pad.out_stride = narrow(activation_cols_);
  pad.padded_cols = shape.padded_cols();
  return run_pad(*device_, kernels_.rows, pad);
}

// A norm needs whole rows: those that lie apart, or in records that are not whole, have one of
// their own.
NextNorm CudaOps::next_norm(const RmsNorm& next, std::size_t out_stride, std::size_t cols) const {
  if (next.weight == nullptr || out_stride != cols || cols % 256 != 0) return {};
  return {next.weight, normed_.as<std::uint16_t>(), narrow(activation_cols_),
          square_sums_.as<float>()};
}

Status CudaOps::linear_residual(const float* x, std::size_t n, const LinearTerm& term) {
  const RowCount rows = row_count(n);
  const LinearMatrix matrix = matrix_of(term);
  LinearCall call;
  call.mode = LinearMode::kAdd;
  call.matrices = &matrix;
  call.matrix_count = 1;
  call.next = next_norm(term.next, term.out_stride, matrix.shape.rows);
  Status status = residual_input(x, matrix.shape, rows, &call);
  if (status == Status::kOk) status = run_linear(*device_, kernels_.linear, call);
  prepared_ = {term.out, call.next.weight, rows.rows_max};
  return status;
}

Status CudaOps::norm_gated_mlp(const float* x, std::size_t n, const RmsNorm& norm,
                               const Weight& gate, const Weight& up, Activation, float* out) {
  KERNELS_CHECK(gate.rows() == up.rows() && gate.cols() == up.cols());
  const RowCount rows = row_count(n);
  const Status status = normalise_rows(x, rows, gate.cols(), norm);
  if (status != Status::kOk) return status;
  const CudaWeight& gate_weight = cuda_weight(&gate);
  const CudaWeight& up_weight = cuda_weight(&up);
  if (gate_weight.shape().format != up_weight.shape().format)
    return gate_separately(gate_weight, up_weight, rows, norm, bf16_rows(out));
  const LinearMatrix matrices[] = {gate_weight.matrix(), up_weight.matrix()};
  LinearCall call = normed_call(LinearMode::kGated, matrices, 2, rows, gate.cols(), norm);
  call.hidden = bf16_rows(out);
  call.hidden_stride = bf16_stride(gate.rows());
  return run_linear(*device_, kernels_.linear, call);
}

Status CudaOps::gate_separately(const CudaWeight& gate, const CudaWeight& up, RowCount n,
                                const RmsNorm& norm, std::uint16_t* out) {
  if (gate.rows() > options_.limits.cols_max) return Status::kUnsupported;
  const std::uint32_t cols = narrow(gate.rows());
  const struct {
    const CudaWeight& weight;
    float* out;
  } halves[] = {{gate, gate_.as<float>()}, {up, up_.as<float>()}};
  for (const auto& half : halves) {
    LinearMatrix matrix = half.weight.matrix();
    matrix.out = half.out;
    matrix.out_stride = cols;
    const Status status =
        run_linear(*device_, kernels_.linear,
                   normed_call(LinearMode::kStore, &matrix, 1, n, gate.cols(), norm));
    if (status != Status::kOk) return status;
  }
  return run_gate(*device_, kernels_.rows,
                  {gate_.as<float>(), up_.as<float>(), n, cols, out, bf16_stride(cols)});
}

Status CudaOps::logits(const float* x, const std::int32_t* row_indexes, std::size_t count,
                       const RmsNorm& norm, const Weight& head, float* out) {
  const CudaWeight& weight = cuda_weight(&head);
  return logits_of_tiles(x, row_indexes, count, norm, weight, 0, weight.shape().row_tiles, out,
                         weight.rows());
}

// ---- attention ----------------------------------------------------------------------------------

Status CudaOps::rope_store(const RopeStore& args, const Rows& rows, KvCache& cache,
                           std::size_t layer) {
  KERNELS_CHECK(layer < cache.shape().layers);
  RopeStoreCall call;
  call.q = args.q;
  call.q_stride = narrow(args.q_stride);
  call.q_heads = narrow(args.q_heads);
  call.k = args.k;
  call.v = args.v;
  call.kv_stride = narrow(args.kv_stride);
  call.q_norm = args.q_norm;
  call.k_norm = args.k_norm;
  call.rope = args.rope;
  call.rows = row_table(rows);
  call.cache = static_cast<CudaKvCache&>(cache).memory();
  call.layer = narrow(layer);
  return run_rope_store(*device_, kernels_.attention, call);
}

Status CudaOps::attention(const Attention& args, const Rows& rows, const KvCache& cache,
                          std::size_t layer) {
  KERNELS_CHECK(layer < cache.shape().layers);
  AttentionCall call;
  call.q = args.q;
  call.q_stride = narrow(args.q_stride);
  call.q_heads = narrow(args.q_heads);
  call.scale = args.scale;
  call.window = args.window;
  call.out = bf16_rows(args.out);
  call.out_stride = bf16_stride(args.out_stride);
  call.rows = row_table(rows);
  call.decode = stepping_ && step_.decode;
  // A recorded step is replayed with longer contexts than it was recorded with.
  const bool known = stepping_ && !recorder_.recording();
  call.positions_max = known ? static_cast<std::uint32_t>(step_.position_max)
                             : narrow(options_.limits.context_tokens_max);
  call.cache = static_cast<const CudaKvCache&>(cache).memory();
  call.layer = narrow(layer);
  call.workspace = attention_workspace_.data();
  call.workspace_bytes = attention_workspace_bytes_;
  return run_attention(*device_, kernels_.attention, call);
}

// ---- what is read back --------------------------------------------------------------------------

Status CudaOps::logit_stats(const float* logits, std::size_t count, std::size_t vocab, float* max,
                            float* log_sum_exp) {
  KERNELS_CHECK(count >= 1 && count <= options_.limits.rows_max && !recorder_.recording());
  float* const on_device = stats_.as<float>();
  Status status =
      run_logit_stats(*device_, kernels_.rows,
                      {logits, narrow(count), narrow(vocab), on_device, on_device + count});
  if (status != Status::kOk) return status;
  status = device_->copy_out(host_stats_.data(), on_device, 2 * count * sizeof(float));
  if (status != Status::kOk) return status;
  for (std::size_t m = 0; m < count; ++m) {
    max[m] = host_stats_[m];
    log_sum_exp[m] = static_cast<float>(std::log(static_cast<double>(host_stats_[count + m])));
  }
  return Status::kOk;
}

bool CudaOps::samples() const {
  return samples_well(device_->facts().capability);
}

Status CudaOps::sample(const float* logits, std::size_t vocab, const SampleRow* rows,
                       std::size_t count, std::int32_t* tokens) {
  KERNELS_CHECK(count >= 1 && count <= options_.limits.rows_max && !recorder_.recording());
  if (vocab > kSampledVocabularyMax) return Status::kUnsupported;
  Status status = device_->copy_in(sample_rows_.data(), rows, count * sizeof(SampleRow));
  if (status != Status::kOk) return status;
  status = run_sample(*device_, kernels_.sample,
                      {logits, narrow(vocab), sample_rows_.as<const SampleRow>(), narrow(count),
                       sample_tokens_.as<std::int32_t>()});
  if (status != Status::kOk) return status;
  return device_->copy_out(tokens, sample_tokens_.data(), count * sizeof(std::int32_t));
}

// Both through pinned memory, as many rows at a time as it holds.
Status CudaOps::write_rows(float* rows, const float* from_host, std::size_t n, std::size_t cols) {
  KERNELS_CHECK(cols >= 1 && !recorder_.recording());
  const PinnedMemory& part = loader_->part();
  const std::size_t row_bytes = cols * sizeof(float);
  const std::size_t rows_at_once = std::max<std::size_t>(1, part.bytes() / row_bytes);
  KERNELS_CHECK(row_bytes <= part.bytes());
  for (std::size_t first = 0; first < n; first += rows_at_once) {
    const std::size_t count = std::min(rows_at_once, n - first);
    auto* const packed = reinterpret_cast<std::uint16_t*>(part.data());
    for (std::size_t i = 0; i < count; ++i) {
      std::uint16_t* const row = packed + i * 2 * cols;
      const float* const from = from_host + (first + i) * cols;
      std::transform(from, from + cols, row, f32_to_bf16);
      std::fill_n(row + cols, cols, std::uint16_t{0});
    }
    const Status status = device_->copy_in(rows + first * cols, packed, count * row_bytes);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

Status CudaOps::read_rows(float* to_host, const float* rows, std::size_t n, std::size_t cols) {
  KERNELS_CHECK(cols >= 1 && !recorder_.recording());
  const PinnedMemory& part = loader_->part();
  const std::size_t row_bytes = cols * sizeof(float);
  const std::size_t rows_at_once = std::max<std::size_t>(1, part.bytes() / row_bytes);
  KERNELS_CHECK(row_bytes <= part.bytes());
  for (std::size_t first = 0; first < n; first += rows_at_once) {
    const std::size_t count = std::min(rows_at_once, n - first);
    const Status status = device_->copy_out(part.data(), rows + first * cols, count * row_bytes);
    if (status != Status::kOk) return status;
    const auto* const packed = reinterpret_cast<const std::uint16_t*>(part.data());
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint16_t* const row = packed + i * 2 * cols;
      std::transform(row, row + cols, to_host + (first + i) * cols, bf16_to_f32);
    }
  }
  return Status::kOk;
}

}  // namespace kernels::cuda
