#include "runtime/model/model_weights.h"

#include <fmt/format.h>

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

// Puts tensors where the decoder looks for them.
class Assembler {
 public:
  explicit Assembler(const ModelWeights::Place& place) : ops_(*place.ops), layers_(place.layers) {}

  Status open(const ModelSpec& spec, std::span<const TensorSpec> expected) {
    std::size_t vector_floats = 0;
    for (const TensorSpec& tensor : expected) {
      if (tensor.vector && layers_.holds(tensor, spec.tied_output))
        vector_floats += padded(tensor.cols);
    }
    weights_.layers.resize(layers_.count);
    tied_output_ = spec.tied_output;
    return to_status(ops_.allocate(vector_floats * sizeof(float), &weights_.vectors),
                     "allocate norms and biases", ops_);
  }

  bool holds(const TensorSpec& tensor) const { return layers_.holds(tensor, tied_output_); }

  Status add_vector(const TensorSpec& expected, std::span<const std::byte> data) {
    std::vector<float> values(expected.cols);
    CHECK(data.size() == values.size() * sizeof(float));
    std::memcpy(values.data(), data.data(), data.size());
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
                     "load " + expected.name, ops_);
  }

  Status load(const TensorSpec& expected, const GgufTensor& tensor) {
    if (expected.vector) return add_vector(expected, tensor.data);
    const kernels::WeightSource source{tensor.format, expected.rows, expected.cols,
                                       tensor.data.data(), weight_split(expected.role)};
    return to_status(ops_.load_weight(source, &matrix_place(expected)), "load " + expected.name,
                     ops_);
  }

  std::unique_ptr<kernels::Weight>& matrix_place(const TensorSpec& tensor) {
    LayerWeights& layer = layer_of(tensor);
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

  ModelWeights take() && { return std::move(weights_); }

 private:
  // Of a tensor that is no layer's, any.
  LayerWeights& layer_of(const TensorSpec& tensor) {
    return weights_.layers[is_of_layer(tensor) ? tensor.layer - layers_.first : 0];
  }

  const float*& vector_place(const TensorSpec& tensor) {
    LayerWeights& layer = layer_of(tensor);
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

  kernels::Ops& ops_;
  StageLayers layers_;
  bool tied_output_ = false;
  ModelWeights weights_;
  std::size_t vector_offset_ = 0;
};

}  // namespace

Result<std::vector<ModelWeights>> ModelWeights::load(base::VerifiedFile& bytes,
                                                     const GgufFile& file, const ModelSpec& spec,
                                                     std::span<const Place> places,
                                                     const LoadProgress& progress) {
  const std::vector<TensorSpec> expected = expected_tensors(spec);
  TensorRelease file_memory(bytes, file, progress);
  std::vector<Assembler> assemblers(places.begin(), places.end());
  for (Assembler& assembler : assemblers) TRY(assembler.open(spec, expected));
  for (const TensorSpec& each : expected) {
    const GgufTensor& tensor = *file.find_tensor(each.name);
    for (Assembler& assembler : assemblers) {
      if (assembler.holds(each)) TRY(assembler.load(each, tensor));
    }
    file_memory.release(tensor);
  }
  std::vector<ModelWeights> weights;
  for (Assembler& assembler : assemblers) weights.push_back(std::move(assembler).take());
  return weights;
}

Result<ModelWeights> ModelWeights::adopt(const PackedModel& packed, const ModelSpec& spec,
                                         kernels::Ops& ops) {
  const std::vector<TensorSpec> expected = expected_tensors(spec);
  const auto tensors = TRY(packed.tensors(expected, ops));
  Assembler assembler(Place{&ops, {0, spec.layers, spec.layers}});
  TRY(assembler.open(spec, expected));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const TensorSpec& each = expected[i];
    if (each.vector) {
      TRY(assembler.add_vector(each, tensors[i]));
      continue;
    }
    const kernels::Format format = packed.file().find_tensor(each.name)->format;
    TRY(to_status(ops.adopt_weight(format, each.rows, each.cols, tensors[i].data(),
                                   &assembler.matrix_place(each)),
                  "adopt " + each.name));
  }
  return std::move(assembler).take();
}

}  // namespace runtime
