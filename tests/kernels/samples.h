// Seeded inputs for the kernel tests: a failing case prints the seed it was made from.
#ifndef TESTS_KERNELS_SAMPLES_H_
#define TESTS_KERNELS_SAMPLES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace kernels_test {

// splitmix64 (Steele, Lea and Flood 2014): small, and the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  // Uniform in [-1, 1).
  float uniform();
  std::vector<float> uniforms(std::size_t count, float scale = 1.0F);

 private:
  std::uint64_t state_;
};

constexpr kernels::Format kFormats[] = {
    kernels::Format::kF32,  kernels::Format::kF16,  kernels::Format::kBF16, kernels::Format::kQ8_0,
    kernels::Format::kQ4_0, kernels::Format::kQ4_K, kernels::Format::kQ5_K, kernels::Format::kQ6_K,
};

bool is_quantised(kernels::Format format);

// A random matrix in file order, with its exact elements beside it.
struct Matrix {
  kernels::Format format;
  std::size_t rows;
  std::size_t cols;
  std::vector<std::uint8_t> bytes;
  std::vector<float> elements;  // [rows, cols]

  kernels::WeightSource source() const { return {format, rows, cols, bytes.data()}; }
};
Matrix make_matrix(kernels::Format format, std::size_t rows, std::size_t cols, std::uint64_t seed);

// Limits that hold every case of these tests.
kernels::Limits test_limits();

// Every ISA this processor has.
std::vector<kernels::CpuIsa> isas();
std::unique_ptr<kernels::Ops> make_ops(kernels::CpuIsa isa, std::size_t threads);

std::unique_ptr<kernels::Weight> load(kernels::Ops& ops, const Matrix& matrix);

}  // namespace kernels_test

#endif  // TESTS_KERNELS_SAMPLES_H_
