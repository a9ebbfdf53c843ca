#include "kernels/reference/reference_ops.h"

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "kernels/check.h"
#include "kernels/reference/math.h"
#include "kernels/reference/storage.h"

namespace kernels {
namespace reference {
namespace {

std::vector<std::vector<double>> normalised_rows(const float* x, std::size_t n, std::size_t cols,
                                                 const RmsNorm& norm) {
  std::vector<std::vector<double>> rows;
  rows.reserve(n);
  for (std::size_t i = 0; i < n; ++i) rows.push_back(normalise(x + i * cols, cols, norm));
  return rows;
}

double bias_of(const LinearTerm& term, std::size_t r) {
  return term.bias == nullptr ? 0.0 : static_cast<double>(term.bias[r]);
}

bool is_valid(const KvShape& shape) {
  const bool power_of_two = (shape.block_tokens & (shape.block_tokens - 1)) == 0;
  return shape.layers > 0 && shape.kv_heads > 0 && shape.head_dim > 0 && shape.blocks > 0 &&
         power_of_two && shape.block_tokens >= 16 && shape.block_tokens <= 256;
}

}  // namespace

// ---- memory ---------------------------------------------------------------------------------

std::size_t ReferenceOps::weight_bytes(Format format, std::size_t rows, std::size_t cols) const {
  return rows * row_bytes(format, cols).value_or(0);
}

Status ReferenceOps::load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) {
  const auto bytes = row_bytes(source.format, source.cols);
  if (!bytes.has_value() || source.rows == 0) return Status::kUnsupported;
  *out = std::make_unique<RefWeight>(source, *bytes);
  return Status::kOk;
}

Status ReferenceOps::allocate(std::size_t bytes, std::unique_ptr<Buffer>* out) {
  const std::size_t whole = (bytes + 63) / 64 * 64;
  void* data = std::aligned_alloc(64, whole == 0 ? 64 : whole);
  if (data == nullptr) return Status::kOutOfMemory;
  std::memset(data, 0, whole);
  *out = std::make_unique<RefBuffer>(data, bytes);
  return Status::kOk;
}

Status ReferenceOps::copy_in(void* to, const void* from_host, std::size_t bytes) {
  std::memcpy(to, from_host, bytes);
  return Status::kOk;
}

Status ReferenceOps::copy_out(void* to_host, const void* from, std::size_t bytes) {
  std::memcpy(to_host, from, bytes);
  return Status::kOk;
}

std::size_t ReferenceOps::kv_cache_bytes(const KvShape& shape, KvFormat) const {
  return 2 * cache_elements(shape) * sizeof(float);
}

Status ReferenceOps::create_kv_cache(const KvShape& shape, KvFormat format,
                                     std::unique_ptr<KvCache>* out) {
  if (!is_valid(shape)) return Status::kUnsupported;
  *out = std::make_unique<RefKvCache>(shape, format);
  return Status::kOk;
}

Status ReferenceOps::kv_copy_block(KvCache& cache, std::int32_t from, std::int32_t to) {
  const auto blocks = static_cast<std::int64_t>(cache.shape().blocks);
  KERNELS_CHECK(from >= 0 && from < blocks && to >= 0 && to < blocks);
  static_cast<RefKvCache&>(cache).copy_block(static_cast<std::size_t>(from),
                                             static_cast<std::size_t>(to));
  return Status::kOk;
}

// ---- linear operations ----------------------------------------------------------------------

template <typename Use>
void ReferenceOps::for_each_product(const Weight& weight,
                                    const std::vector<std::vector<double>>& inputs, Use use) {
  KERNELS_CHECK(inputs.size() >= 1 && inputs.size() <= limits_.rows_max);
  std::vector<float> row(weight.cols());
  for (std::size_t r = 0; r < weight.rows(); ++r) {
    static_cast<const RefWeight&>(weight).read_row(r, row.data());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      use(i, r, dot(row.data(), inputs[i].data(), row.size()));
  }
}

Status ReferenceOps::embed(const Weight& table, const std::int32_t* tokens, std::size_t n,
                           float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    KERNELS_CHECK(tokens[i] >= 0 && static_cast<std::size_t>(tokens[i]) < table.rows());
    static_cast<const RefWeight&>(table).read_row(static_cast<std::size_t>(tokens[i]),
                                                  out + i * table.cols());
  }
  return Status::kOk;
}

Status ReferenceOps::norm_linear(const float* x, std::size_t n, const RmsNorm& norm,
                                 const LinearTerm* terms, std::size_t term_count) {
  KERNELS_CHECK(term_count >= 1 && term_count <= 4);
  const auto inputs = normalised_rows(x, n, terms[0].weight->cols(), norm);
  for (std::size_t t = 0; t < term_count; ++t) {
    const LinearTerm& term = terms[t];
    KERNELS_CHECK(term.weight->cols() == terms[0].weight->cols() &&
                  term.out_stride >= term.weight->rows());
    for_each_product(*term.weight, inputs, [&](std::size_t i, std::size_t r, double value) {
      term.out[i * term.out_stride + r] = static_cast<float>(value + bias_of(term, r));
    });
  }
  return Status::kOk;
}

Status ReferenceOps::linear_residual(const float* x, std::size_t n, const LinearTerm& term) {
  KERNELS_CHECK(term.out_stride >= term.weight->rows());
  const auto inputs = normalised_rows(x, n, term.weight->cols(), RmsNorm{});
  for_each_product(*term.weight, inputs, [&](std::size_t i, std::size_t r, double value) {
    float& out = term.out[i * term.out_stride + r];
    out = static_cast<float>(static_cast<double>(out) + value + bias_of(term, r));
  });
  return Status::kOk;
}

Status ReferenceOps::norm_gated_mlp(const float* x, std::size_t n, const RmsNorm& norm,
                                    const Weight& gate, const Weight& up, Activation, float* out) {
  KERNELS_CHECK(gate.rows() == up.rows() && gate.cols() == up.cols());
  const auto inputs = normalised_rows(x, n, gate.cols(), norm);
  std::vector<double> activated(n * gate.rows());
  for_each_product(gate, inputs, [&](std::size_t i, std::size_t r, double value) {
    activated[i * gate.rows() + r] = silu(value);
  });
  for_each_product(up, inputs, [&](std::size_t i, std::size_t r, double value) {
    out[i * gate.rows() + r] = static_cast<float>(activated[i * gate.rows() + r] * value);
  });
  return Status::kOk;
}

Status ReferenceOps::logits(const float* x, const std::int32_t* row_indexes, std::size_t count,
                            const RmsNorm& norm, const Weight& head, float* out) {
  std::vector<std::vector<double>> inputs;
  for (std::size_t m = 0; m < count; ++m) {
    KERNELS_CHECK(row_indexes[m] >= 0);
    inputs.push_back(
        normalise(x + static_cast<std::size_t>(row_indexes[m]) * head.cols(), head.cols(), norm));
  }
  for_each_product(head, inputs, [&](std::size_t m, std::size_t r, double value) {
    out[m * head.rows() + r] = static_cast<float>(value);
  });
  return Status::kOk;
}

Status ReferenceOps::logit_stats(const float* logits, std::size_t count, std::size_t vocab,
                                 float* max, float* log_sum_exp) {
  KERNELS_CHECK(vocab >= 1);
  for (std::size_t m = 0; m < count; ++m) {
    const float* row = logits + m * vocab;
    float largest = row[0];
    for (std::size_t v = 1; v < vocab; ++v) largest = row[v] > largest ? row[v] : largest;
    double sum = 0;
    for (std::size_t v = 0; v < vocab; ++v)
      sum += std::exp(static_cast<double>(row[v]) - static_cast<double>(largest));
    max[m] = largest;
    log_sum_exp[m] = static_cast<float>(std::log(sum));
  }
  return Status::kOk;
}

}  // namespace reference

std::unique_ptr<Ops> make_reference_ops(const Limits& limits) {
  return std::make_unique<reference::ReferenceOps>(limits);
}

}  // namespace kernels
