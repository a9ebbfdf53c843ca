#include "tests/kernels/samples.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/dequantize.h"
#include "kernels/quantize.h"

namespace kernels_test {

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

float Random::uniform() {
  return static_cast<float>(static_cast<std::int64_t>(next()) >> 40) * 0x1p-23F;
}

std::vector<float> Random::uniforms(std::size_t count, float scale) {
  std::vector<float> values(count);
  for (float& value : values) value = uniform() * scale;
  return values;
}

bool is_quantised(kernels::Format format) {
  return kernels::format_info(format).block_elements > 1;
}

Matrix make_matrix(kernels::Format format, std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Matrix matrix{format, rows, cols, {}, std::vector<float>(rows * cols)};
  const std::size_t row_bytes = kernels::row_bytes(format, cols).value();
  matrix.bytes.resize(rows * row_bytes);
  Random random(seed);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::vector<float> row = random.uniforms(cols, 0.1F);
    kernels::quantize_row(format, row.data(), cols, matrix.bytes.data() + r * row_bytes);
    kernels::dequantize_row(format, matrix.bytes.data() + r * row_bytes, cols,
                            matrix.elements.data() + r * cols);
  }
  return matrix;
}

void set_unit_scales(kernels::Format format, std::uint8_t* block) {
  using kernels::Format;
  constexpr std::uint8_t kOne[2] = {0x00, 0x3c};  // binary16
  std::size_t d = 0;
  switch (format) {
    case Format::kMXFP4:
      block[0] = 128;  // 2^0
      return;
    case Format::kQ2_K:
      d = 80;
      break;
    case Format::kQ3_K:
      d = 108;
      break;
    case Format::kQ6_K:
      d = 208;
      break;
    case Format::kTQ1_0:
      d = 52;
      break;
    case Format::kTQ2_0:
      d = 64;
      break;
    default:
      break;
  }
  std::copy_n(kOne, 2, block + d);
  const bool has_min = format == Format::kQ4_1 || format == Format::kQ5_1 ||
                       format == Format::kQ2_K || format == Format::kQ4_K ||
                       format == Format::kQ5_K;
  if (has_min) std::copy_n(kOne, 2, block + d + 2);
}

kernels::Limits test_limits() {
  kernels::Limits limits;
  limits.rows_max = 64;
  limits.cols_max = 4096;
  limits.heads_max = 32;
  limits.head_dim_max = 128;
  limits.context_tokens_max = 2048;
  return limits;
}

std::vector<kernels::CpuIsa> isas() {
  std::vector<kernels::CpuIsa> found;
  for (const auto isa : {kernels::CpuIsa::kPlain, kernels::CpuIsa::kAvx2,
                         kernels::CpuIsa::kAvx512Vnni, kernels::CpuIsa::kAmx}) {
    if (make_ops(isa, 1) != nullptr) found.push_back(isa);
  }
  return found;
}

std::unique_ptr<kernels::Ops> make_ops(kernels::CpuIsa isa, std::size_t threads) {
  return kernels::make_cpu_ops({test_limits(), threads, isa});
}

std::unique_ptr<kernels::Weight> load(kernels::Ops& ops, const Matrix& matrix) {
  std::unique_ptr<kernels::Weight> weight;
  EXPECT_EQ(ops.load_weight(matrix.source(), &weight), kernels::Status::kOk);
  return weight;
}

}  // namespace kernels_test
