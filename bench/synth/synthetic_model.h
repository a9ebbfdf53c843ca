// A GGUF model with random weights: the right shapes, hyper-parameters and vocabulary size, and
// answers that mean nothing. For timing and for tests; llama.cpp loads it, too. The same shape, mix
// and seed give the same bytes.
#ifndef BENCH_SYNTH_SYNTHETIC_MODEL_H_
#define BENCH_SYNTH_SYNTHETIC_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/synth/synthetic_shape.h"
#include "kernels/format.h"

namespace bench {

// Which format each matrix gets. Where its rows do not divide into the format's blocks it is Q8_0
// (llama.cpp takes Q5_0 or Q8_0 then). Norms and biases are F32.
struct QuantMix {
  std::string_view name;
  kernels::Format format;
  // llama.cpp's Q4_K_M: Q6_K for the output matrix, and for values and MLP outputs of every layer
  // in the first and last eighth and every third between.
  bool more_bits = false;
};

std::span<const QuantMix> quant_mixes();
const QuantMix* find_quant_mix(std::string_view name);

struct SyntheticTensor {
  std::string name;
  kernels::Format format = kernels::Format::kF32;
  std::size_t rows = 0;  // 0 for a vector
  std::size_t cols = 0;
  float mean = 0;
  float deviation = 0;
  std::vector<float> values;  // where they are given rather than random

  std::size_t row_count() const { return rows == 0 ? 1 : rows; }
  std::size_t row_bytes() const { return *kernels::row_bytes(format, cols); }
};

class SyntheticModel {
 public:
  SyntheticModel(const SyntheticShape& shape, const QuantMix& mix, std::uint64_t seed);

  // Everything in front of the tensors' data.
  std::vector<std::byte> header() const;
  std::span<const SyntheticTensor> tensors() const { return tensors_; }
  // Writes one row of tensors()[index]; `out` has its row_bytes().
  void fill_row(std::size_t index, std::size_t row, std::span<std::byte> out) const;

  // The whole file: for tests.
  std::vector<std::byte> file() const;

 private:
  void add_tensors();
  void add_layer(std::uint32_t layer);
  void add_matrix(std::string name, kernels::Format format, std::size_t rows, std::size_t cols);
  void add_vector(std::string name, std::size_t cols, float mean, float deviation);
  kernels::Format layer_format(std::uint32_t layer) const;

  SyntheticShape shape_;
  QuantMix mix_;
  std::uint64_t seed_;
  std::vector<SyntheticTensor> tensors_;
};

}  // namespace bench

#endif  // BENCH_SYNTH_SYNTHETIC_MODEL_H_
