// The tensors a model must have, by name and shape, and the check of a file against them.
#include <fmt/format.h>

#include <set>

#include "runtime/model/model_spec.h"

namespace runtime {
namespace {

using base::Status;

class Table {
 public:
  void vector(std::string name, TensorRole role, std::size_t layer, std::size_t size) {
    tensors_.push_back({std::move(name), role, layer, 1, size, true});
  }
  void matrix(std::string name, TensorRole role, std::size_t layer, std::size_t rows,
              std::size_t cols) {
    tensors_.push_back({std::move(name), role, layer, rows, cols, false});
  }
  std::vector<TensorSpec> release() && { return std::move(tensors_); }

 private:
  std::vector<TensorSpec> tensors_;
};

void add_layer(Table& table, const ModelSpec& spec, std::size_t layer) {
  const auto name = [layer](std::string_view part) {
    return fmt::format("blk.{}.{}", layer, part);
  };
  table.vector(name("attn_norm.weight"), TensorRole::kAttentionNorm, layer, spec.dim);
  table.matrix(name("attn_q.weight"), TensorRole::kQuery, layer, spec.q_dim(), spec.dim);
  table.matrix(name("attn_k.weight"), TensorRole::kKey, layer, spec.kv_dim(), spec.dim);
  table.matrix(name("attn_v.weight"), TensorRole::kValue, layer, spec.kv_dim(), spec.dim);
  if (spec.qkv_bias) {
    table.vector(name("attn_q.bias"), TensorRole::kQueryBias, layer, spec.q_dim());
    table.vector(name("attn_k.bias"), TensorRole::kKeyBias, layer, spec.kv_dim());
    table.vector(name("attn_v.bias"), TensorRole::kValueBias, layer, spec.kv_dim());
  }
  if (spec.family->qk_norm) {
    table.vector(name("attn_q_norm.weight"), TensorRole::kQueryNorm, layer, spec.head_dim);
    table.vector(name("attn_k_norm.weight"), TensorRole::kKeyNorm, layer, spec.head_dim);
  }
  table.matrix(name("attn_output.weight"), TensorRole::kAttentionOutput, layer, spec.dim,
               spec.q_dim());
  if (spec.attention_output_bias) {
    table.vector(name("attn_output.bias"), TensorRole::kAttentionOutputBias, layer, spec.dim);
  }
  table.vector(name("ffn_norm.weight"), TensorRole::kMlpNorm, layer, spec.dim);
  table.matrix(name("ffn_gate.weight"), TensorRole::kMlpGate, layer, spec.ff_dim, spec.dim);
  table.matrix(name("ffn_up.weight"), TensorRole::kMlpUp, layer, spec.ff_dim, spec.dim);
  table.matrix(name("ffn_down.weight"), TensorRole::kMlpDown, layer, spec.dim, spec.ff_dim);
}

std::string shape_text(std::size_t rows, std::size_t cols, bool vector) {
  return vector ? fmt::format("[{}]", cols) : fmt::format("[{}, {}]", rows, cols);
}

Status check_tensor(const GgufFile& file, const TensorSpec& expected) {
  const GgufTensor* tensor = file.find_tensor(expected.name);
  if (tensor == nullptr)
    return base::invalid_input(fmt::format("tensor \"{}\" is missing", expected.name));
  if (!tensor->is_matrix() || tensor->rows() != expected.rows || tensor->cols() != expected.cols) {
    return base::invalid_input(
        fmt::format("tensor \"{}\" is {}{}; the metadata say {}", expected.name,
                    shape_text(tensor->rows(), tensor->cols(), false),
                    tensor->is_matrix() ? "" : " and has more dimensions",
                    shape_text(expected.rows, expected.cols, expected.vector)));
  }
  if (expected.vector && tensor->format != kernels::Format::kF32) {
    return base::unsupported(fmt::format("tensor \"{}\" is {}; norms and biases must be F32",
                                         expected.name, kernels::format_info(tensor->format).name));
  }
  return {};
}

}  // namespace

kernels::WeightSplit weight_split(TensorRole role) {
  switch (role) {
    case TensorRole::kQuery:
    case TensorRole::kKey:
    case TensorRole::kValue:
    case TensorRole::kMlpGate:
    case TensorRole::kMlpUp:
      return kernels::WeightSplit::kRows;
    case TensorRole::kAttentionOutput:
    case TensorRole::kMlpDown:
      return kernels::WeightSplit::kColumns;
    default:
      return kernels::WeightSplit::kNone;
  }
}

std::vector<TensorSpec> expected_tensors(const ModelSpec& spec) {
  Table table;
  table.matrix("token_embd.weight", TensorRole::kTokenEmbedding, 0, spec.vocabulary, spec.dim);
  if (spec.has_rope_divisors) {
    table.vector("rope_freqs.weight", TensorRole::kRopeDivisors, 0, spec.rope.dims / 2);
  }
  for (std::size_t layer = 0; layer < spec.layers; ++layer) add_layer(table, spec, layer);
  table.vector("output_norm.weight", TensorRole::kOutputNorm, 0, spec.dim);
  if (!spec.tied_output)
    table.matrix("output.weight", TensorRole::kOutput, 0, spec.vocabulary, spec.dim);
  return std::move(table).release();
}

Status check_tensors(const GgufFile& file, std::span<const TensorSpec> expected) {
  std::set<std::string_view> names;
  for (const TensorSpec& tensor : expected) {
    TRY(check_tensor(file, tensor));
    names.insert(tensor.name);
  }
  for (const GgufTensor& tensor : file.tensors()) {
    if (!names.contains(tensor.name)) {
      return base::unsupported(
          fmt::format("tensor \"{}\" is not part of such a model", tensor.name));
    }
  }
  return {};
}

}  // namespace runtime
