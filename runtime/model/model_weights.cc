#include "runtime/model/model_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "hardening/base/check.h"
#include "runtime/model/kernel_status.h"

namespace runtime {
namespace {

using base::Result;
using base::Status;

// Every vector begins on a cache line.
constexpr std::size_t kVectorAlignmentFloats = 16;

std::size_t padded(std::size_t floats) {
  return (floats + kVectorAlignmentFloats - 1) / kVectorAlignmentFloats * kVectorAlignmentFloats;
}

class Loader {
 public:
  Loader(base::VerifiedFile& bytes, const GgufFile& file, kernels::Ops& ops,
         const LoadProgress& progress)
      : bytes_(bytes), file_(file), ops_(ops), progress_(progress) {
    for (const GgufTensor& tensor : file.tensors()) starts_.push_back(tensor.file_offset);
    starts_.push_back(file.file_bytes());
    std::ranges::sort(starts_);
  }

  Result<ModelWeights> load(const ModelSpec& spec) {
    const std::vector<TensorSpec> expected = expected_tensors(spec);
    std::size_t vector_floats = 0;
    for (const TensorSpec& tensor : expected) {
      total_bytes_ += file_.find_tensor(tensor.name)->data.size();
      if (tensor.vector) vector_floats += padded(tensor.cols);
    }
    weights_.layers.resize(spec.layers);
    TRY(to_status(ops_.allocate(vector_floats * sizeof(float), &weights_.vectors),
                  "allocate norms and biases"));
    for (const TensorSpec& tensor : expected) TRY(load_tensor(tensor));
    return std::move(weights_);
  }

 private:
  Status load_tensor(const TensorSpec& expected) {
    const GgufTensor& tensor = *file_.find_tensor(expected.name);
    if (expected.vector) {
      TRY(load_vector(expected, tensor));
    } else {
      const kernels::WeightSource source{tensor.format, expected.rows, expected.cols,
                                         tensor.data.data()};
      TRY(to_status(ops_.load_weight(source, &matrix_place(expected)), "load " + expected.name));
    }
    // With the padding behind it, which nobody else would give back.
    bytes_.release(tensor.file_offset,
                   *std::ranges::upper_bound(starts_, tensor.file_offset) - tensor.file_offset);
    done_bytes_ += tensor.data.size();
    if (progress_) progress_(done_bytes_, total_bytes_);
    return {};
  }

  Status load_vector(const TensorSpec& expected, const GgufTensor& tensor) {
    std::vector<float> values(expected.cols);
    CHECK(tensor.data.size() == values.size() * sizeof(float));
    std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
    const bool divisors = expected.role == TensorRole::kRopeDivisors;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i]) || (divisors && values[i] <= 0)) {
        return base::invalid_input(
            fmt::format("tensor \"{}\": element {} is {}", expected.name, i, values[i]));
      }
    }
    if (divisors) {
      weights_.rope_divisors = std::move(values);
      return {};
    }
    float* place = weights_.vectors->floats() + vector_offset_;
    vector_offset_ += padded(values.size());
    vector_place(expected) = place;
    return to_status(ops_.copy_in(place, values.data(), values.size() * sizeof(float)),
                     "load " + expected.name);
  }

  std::unique_ptr<kernels::Weight>& matrix_place(const TensorSpec& tensor) {
    LayerWeights& layer = weights_.layers[tensor.layer];
    switch (tensor.role) {
      case TensorRole::kTokenEmbedding:
        return weights_.embedding;
      case TensorRole::kOutput:
        return weights_.output;
      case TensorRole::kQuery:
        return layer.q;
      case TensorRole::kKey:
        return layer.k;
      case TensorRole::kValue:
        return layer.v;
      case TensorRole::kAttentionOutput:
        return layer.attention_output;
      case TensorRole::kMlpGate:
        return layer.gate;
      case TensorRole::kMlpUp:
        return layer.up;
      default:
        CHECK(tensor.role == TensorRole::kMlpDown);
        return layer.down;
    }
  }

  const float*& vector_place(const TensorSpec& tensor) {
    LayerWeights& layer = weights_.layers[tensor.layer];
    switch (tensor.role) {
      case TensorRole::kOutputNorm:
        return weights_.output_norm;
      case TensorRole::kAttentionNorm:
        return layer.attention_norm;
      case TensorRole::kQueryBias:
        return layer.q_bias;
      case TensorRole::kKeyBias:
        return layer.k_bias;
      case TensorRole::kValueBias:
        return layer.v_bias;
      case TensorRole::kQueryNorm:
        return layer.q_norm;
      case TensorRole::kKeyNorm:
        return layer.k_norm;
      case TensorRole::kAttentionOutputBias:
        return layer.attention_output_bias;
      default:
        CHECK(tensor.role == TensorRole::kMlpNorm);
        return layer.mlp_norm;
    }
  }

  base::VerifiedFile& bytes_;
  const GgufFile& file_;
  kernels::Ops& ops_;
  const LoadProgress& progress_;
  std::vector<std::size_t> starts_;  // of the tensors in the file, and its end; ascending
  ModelWeights weights_;
  std::size_t vector_offset_ = 0;
  std::uint64_t done_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace

Result<ModelWeights> ModelWeights::load(base::VerifiedFile& bytes, const GgufFile& file,
                                        const ModelSpec& spec, kernels::Ops& ops,
                                        const LoadProgress& progress) {
  return Loader(bytes, file, ops, progress).load(spec);
}

}  // namespace runtime
