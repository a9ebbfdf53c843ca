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

#include "bench/synth/quant_mix.h"
#include "bench/synth/synthetic_shape.h"
#include "kernels/format.h"

namespace bench {

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
  void add_matrix(std::string name, std::size_t rows, std::size_t cols);
  void add_vector(std::string name, std::size_t cols, float mean, float deviation);

  SyntheticShape shape_;
  QuantMix mix_;
  std::uint64_t seed_;
  std::vector<SyntheticTensor> tensors_;
};

}  // namespace bench

#endif  // BENCH_SYNTH_SYNTHETIC_MODEL_H_
