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
#define KERNELS_TEST_FORMAT(name, id, elements, bytes) kernels::Format::k##name,
    KERNELS_FLOAT_FORMATS(KERNELS_TEST_FORMAT) KERNELS_BLOCK_FORMATS(KERNELS_TEST_FORMAT)
#undef KERNELS_TEST_FORMAT
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

// Sets the scale of a block to 1, and its min to 1 where it has one.
void set_unit_scales(kernels::Format format, std::uint8_t* block);

// Limits that hold every case of these tests.
kernels::Limits test_limits();

// Every ISA this processor has.
std::vector<kernels::CpuIsa> isas();
std::unique_ptr<kernels::Ops> make_ops(kernels::CpuIsa isa, std::size_t threads);

std::unique_ptr<kernels::Weight> load(kernels::Ops& ops, const Matrix& matrix);

}  // namespace kernels_test

#endif  // TESTS_KERNELS_SAMPLES_H_
