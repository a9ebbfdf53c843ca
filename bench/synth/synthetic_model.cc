#include "bench/synth/synthetic_model.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <numbers>

#include "bench/synth/random_blocks.h"
#include "bench/synth/synthetic_metadata.h"
#include "runtime/model/gguf_writer.h"

namespace bench {
namespace {

using kernels::Format;

// Llama 3.1's divisors of rotary frequencies (the "llama3" rule of its reference code): 1 for
// wavelengths short against the original context, the factor for long ones, and a smooth passage
// between.
std::vector<float> llama3_divisors(const SyntheticShape& shape) {
  constexpr double kLowFactor = 1;
  constexpr double kHighFactor = 4;
  std::vector<float> divisors;
  for (std::uint32_t j = 0; j < shape.head_dim / 2; ++j) {
    const double frequency =
        std::pow(static_cast<double>(shape.rope_base), -2.0 * j / shape.head_dim);
    const double turns = shape.rope_original_context * frequency / (2 * std::numbers::pi);
    const double smooth = (turns - kLowFactor) / (kHighFactor - kLowFactor);
    double divisor = 1 / ((1 - smooth) / static_cast<double>(shape.rope_factor) + smooth);
    if (turns < kLowFactor) divisor = static_cast<double>(shape.rope_factor);
    if (turns > kHighFactor) divisor = 1;
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

}  // namespace

SyntheticModel::SyntheticModel(const SyntheticShape& shape, const QuantMix& mix, std::uint64_t seed)
    : shape_(shape), mix_(mix), seed_(seed) {
  add_tensors();
}

void SyntheticModel::add_matrix(std::string name, std::size_t rows, std::size_t cols) {
  const Format format = mixed_format(
      mix_, {shape_.layers, shape_.heads / shape_.kv_heads, shape_.tied_output}, name, cols);
  // Keeps the size of what passes through: neither all zero nor infinite after many layers.
  const float deviation = 1 / std::sqrt(static_cast<float>(cols));
  tensors_.push_back({std::move(name), format, rows, cols, 0, deviation, {}});
}

void SyntheticModel::add_vector(std::string name, std::size_t cols, float mean, float deviation) {
  tensors_.push_back({std::move(name), Format::kF32, 0, cols, mean, deviation, {}});
}

void SyntheticModel::add_layer(std::uint32_t layer) {
  const auto name = [layer](std::string_view part) {
    return fmt::format("blk.{}.{}", layer, part);
  };
  const std::size_t q_dim = std::size_t{shape_.heads} * shape_.head_dim;
  const std::size_t kv_dim = std::size_t{shape_.kv_heads} * shape_.head_dim;
  const std::size_t dim = shape_.dim;
  add_vector(name("attn_norm.weight"), dim, 1, 0.1f);
  add_matrix(name("attn_q.weight"), q_dim, dim);
  add_matrix(name("attn_k.weight"), kv_dim, dim);
  add_matrix(name("attn_v.weight"), kv_dim, dim);
  if (shape_.qkv_bias) {
    add_vector(name("attn_q.bias"), q_dim, 0, 0.5f);
    add_vector(name("attn_k.bias"), kv_dim, 0, 0.5f);
    add_vector(name("attn_v.bias"), kv_dim, 0, 0.5f);
  }
  if (shape_.qk_norm) {
    add_vector(name("attn_q_norm.weight"), shape_.head_dim, 1, 0.2f);
    add_vector(name("attn_k_norm.weight"), shape_.head_dim, 1, 0.2f);
  }
  add_matrix(name("attn_output.weight"), dim, q_dim);
  add_vector(name("ffn_norm.weight"), dim, 1, 0.1f);
  add_matrix(name("ffn_gate.weight"), shape_.ff_dim, dim);
  add_matrix(name("ffn_up.weight"), shape_.ff_dim, dim);
  add_matrix(name("ffn_down.weight"), dim, shape_.ff_dim);
}

void SyntheticModel::add_tensors() {
  add_matrix("token_embd.weight", shape_.vocabulary, shape_.dim);
  if (shape_.rope == SyntheticRope::kLlama3) {
    add_vector("rope_freqs.weight", shape_.head_dim / 2, 1, 0);
    tensors_.back().values = llama3_divisors(shape_);
  }
  for (std::uint32_t layer = 0; layer < shape_.layers; ++layer) add_layer(layer);
  add_vector("output_norm.weight", shape_.dim, 1, 0.1f);
  if (!shape_.tied_output) add_matrix("output.weight", shape_.vocabulary, shape_.dim);
}

std::vector<std::byte> SyntheticModel::header() const {
  runtime::GgufWriter writer;
  add_synthetic_metadata(shape_, mix_.name, writer);
  for (const SyntheticTensor& tensor : tensors_) {
    writer.add_tensor(tensor.name, tensor.format, tensor.rows, tensor.cols);
  }
  return writer.header();
}

void SyntheticModel::fill_row(std::size_t index, std::size_t row, std::span<std::byte> out) const {
  const SyntheticTensor& tensor = tensors_[index];
  if (!tensor.values.empty()) {
    std::memcpy(out.data(), tensor.values.data(), out.size());
    return;
  }
  fill_random_row(tensor.format, tensor.cols, tensor.deviation,
                  mix_keys(mix_keys(seed_, index), row), out);
  if (tensor.mean == 0) return;
  for (std::size_t i = 0; i < tensor.cols; ++i) {  // only vectors have a mean, and those are F32
    float value;
    std::memcpy(&value, out.data() + i * sizeof value, sizeof value);
    value += tensor.mean;
    std::memcpy(out.data() + i * sizeof value, &value, sizeof value);
  }
}

std::vector<std::byte> SyntheticModel::file() const {
  std::vector<std::byte> bytes = header();
  for (std::size_t index = 0; index < tensors_.size(); ++index) {
    const std::size_t row_bytes = tensors_[index].row_bytes();
    const std::size_t start = bytes.size();
    const std::size_t data = row_bytes * tensors_[index].row_count();
    bytes.resize(start + data + runtime::GgufWriter::padding_after(data));
    for (std::size_t row = 0; row < tensors_[index].row_count(); ++row) {
      fill_row(index, row, std::span(bytes).subspan(start + row * row_bytes, row_bytes));
    }
  }
  return bytes;
}

}  // namespace bench
