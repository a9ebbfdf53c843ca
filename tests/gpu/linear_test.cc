// Linear operations on the GPU against the reference, in every format, and bit for bit against
// themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/gpu/gpu_under_test.h"
#include "tests/kernels/samples.h"

namespace gpu_test {
namespace {

using kernels::Format;
using kernels::RmsNorm;
using kernels::Status;
using kernels_test::Matrix;
using kernels_test::Random;

class GpuLinear : public GpuTest {};

std::vector<std::size_t> row_counts() {
  if (is_short()) return {1, 9, 33};
  return {1, 2, 3, 7, 8, 9, 16, 31, 32, 33, 64, 127, 128, 129, 160};
}

// Rounding weight and activation to bf16 (2^-8 each, of every product), sums of `cols` floats, and
// as much again of what the tensor cores lose below the accumulator's last bit.
double bound(const Matrix& matrix, std::size_t r, const float* x) {
  double magnitude = 0;
  for (std::size_t c = 0; c < matrix.cols; ++c) {
    magnitude += std::fabs(static_cast<double>(matrix.elements[r * matrix.cols + c]) *
                           static_cast<double>(x[c]));
  }
  return magnitude * (2.02 * 0x1p-8 + static_cast<double>(matrix.cols) * 0x1p-22) + 1e-6;
}

// out [n, rows] of one matrix with a bias, through norm_linear.
std::vector<float> multiply(kernels::Ops& ops, const Matrix& matrix, const std::vector<float>& x,
                            std::size_t n, const std::vector<float>& bias) {
  const auto weight = kernels_test::load(ops, matrix);
  const Floats input(ops, x);
  const Floats added(ops, bias);
  const Floats out(ops, n * matrix.rows);
  const kernels::LinearTerm term{weight.get(), added.data(), out.data(), matrix.rows};
  EXPECT_EQ(ops.norm_linear(input.data(), n, RmsNorm{}, &term, 1), Status::kOk);
  return out.values();
}

TEST_F(GpuLinear, IsWithinTheBoundOfTheReferenceInEveryFormat) {
  const auto ops = make_ops(test_limits());
  const auto reference = kernels::make_reference_ops(test_limits());
  for (const Format format : kernels_test::kFormats) {
    for (const auto& [rows, cols] :
         {std::pair<std::size_t, std::size_t>{65, 256}, {200, 768}, {64, 2048}}) {
      if (is_short() && cols > 256) continue;
      const Matrix matrix = kernels_test::make_matrix(format, rows, cols, rows + cols);
      for (const std::size_t n : row_counts()) {
        Random random(n + rows);
        const auto x = random.uniforms(n * cols);
        const auto bias = random.uniforms(rows);
        const auto actual = multiply(*ops, matrix, x, n, bias);
        const auto expected = multiply(*reference, matrix, x, n, bias);
        for (std::size_t i = 0; i < n; ++i) {
          for (std::size_t r = 0; r < rows; ++r) {
            ASSERT_LE(std::fabs(actual[i * rows + r] - expected[i * rows + r]),
                      bound(matrix, r, x.data() + i * cols))
                << kernels::format_info(format).name << " " << rows << " x " << cols << ", row "
                << i << " of " << n << ", output " << r << ": " << actual[i * rows + r] << " for "
                << expected[i * rows + r];
          }
        }
      }
    }
  }
}

TEST_F(GpuLinear, NormalisesAddsAndGatesAsTheReferenceDoes) {
  constexpr std::size_t kCols = 256;
  constexpr std::size_t kRows = 192;
  constexpr std::size_t kN = 5;
  const Matrix gate = kernels_test::make_matrix(Format::kQ8_0, kRows, kCols, 1);
  const Matrix up = kernels_test::make_matrix(Format::kQ8_0, kRows, kCols, 2);
  Matrix down = kernels_test::make_matrix(Format::kBF16, kCols, kRows, 3);
  const auto run = [&](kernels::Ops& ops) {
    Random random(4);
    const Floats x(ops, random.uniforms(kN * kCols, 3.0F));
    const Floats norm(ops, random.uniforms(kCols));
    const auto gate_weight = kernels_test::load(ops, gate);
    const auto up_weight = kernels_test::load(ops, up);
    const auto down_weight = kernels_test::load(ops, down);
    const Floats hidden(ops, kN * kRows);
    const RmsNorm rms{norm.data(), 1e-5F};
    EXPECT_EQ(ops.norm_gated_mlp(x.data(), kN, rms, *gate_weight, *up_weight,
                                 kernels::Activation::kSilu, hidden.data()),
              Status::kOk);
    std::vector<float> result(kN * kRows);
    EXPECT_EQ(ops.read_rows(result.data(), hidden.data(), kN, kRows), Status::kOk);
    EXPECT_EQ(ops.linear_residual(hidden.data(), kN, {down_weight.get(), nullptr, x.data(), kCols}),
              Status::kOk);
    const auto residual = x.values();
    result.insert(result.end(), residual.begin(), residual.end());
    return result;
  };
  const auto ops = make_ops(test_limits());
  const auto reference = kernels::make_reference_ops(test_limits());
  const auto actual = run(*ops);
  const auto expected = run(*reference);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], 0.03F + 0.02F * std::fabs(expected[i])) << i;
}

// One row, alone and as row i of n in three orders: the same bits, through every tile of rows there
// is.
TEST_F(GpuLinear, GivesARowTheSameBitsAloneAmongOthersAndInAnyOrder) {
  constexpr std::size_t kCols = 512;
  constexpr std::size_t kRows = 130;
  const auto ops = make_ops(test_limits());
  for (const Format format : {Format::kBF16, Format::kF16, Format::kQ8_0, Format::kQ4_0,
                              Format::kQ4_K, Format::kQ6_K, Format::kMXFP4}) {
    const Matrix matrix = kernels_test::make_matrix(format, kRows, kCols, 11);
    const auto bias = Random(12).uniforms(kRows);
    const std::size_t most = row_counts().back();
    const auto x = Random(13).uniforms(most * kCols);
    const auto whole = multiply(*ops, matrix, x, most, bias);
    for (const std::size_t n : row_counts()) {
      // Rows in steps of 7 from 3, as many as n: another order, other neighbours.
      std::vector<std::size_t> order(n);
      for (std::size_t i = 0; i < n; ++i) order[i] = (3 + 7 * i) % most;
      std::vector<float> chosen(n * kCols);
      for (std::size_t i = 0; i < n; ++i) {
        std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(order[i] * kCols), kCols,
                    chosen.begin() + static_cast<std::ptrdiff_t>(i * kCols));
      }
      const auto part = multiply(*ops, matrix, chosen, n, bias);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_EQ(0, std::memcmp(part.data() + i * kRows, whole.data() + order[i] * kRows,
                                 kRows * sizeof(float)))
            << kernels::format_info(format).name << " row " << order[i] << " as row " << i << " of "
            << n;
      }
    }
  }
}

TEST_F(GpuLinear, GivesTheSameBitsAThousandTimes) {
  constexpr std::size_t kCols = 1024;
  constexpr std::size_t kRows = 320;
  const auto ops = make_ops(test_limits());
  const Matrix matrix = kernels_test::make_matrix(Format::kQ4_K, kRows, kCols, 21);
  const auto weight = kernels_test::load(*ops, matrix);
  const Floats x(*ops, Random(22).uniforms(9 * kCols));
  const Floats out(*ops, 9 * kRows);
  const kernels::LinearTerm term{weight.get(), nullptr, out.data(), kRows};
  std::vector<float> first;
  for (int i = 0; i < (is_short() ? 2 : 1000); ++i) {
    ASSERT_EQ(ops->norm_linear(x.data(), 9, RmsNorm{}, &term, 1), Status::kOk);
    const auto values = out.values();
    if (first.empty()) first = values;
    ASSERT_EQ(0, std::memcmp(first.data(), values.data(), values.size() * sizeof(float)))
        << "run " << i;
  }
}

TEST_F(GpuLinear, RoundsFloatMatricesToFp8WhenAskedTo) {
  constexpr std::size_t kCols = 512;
  constexpr std::size_t kRows = 128;
  const auto ops = make_ops(test_limits(), {.fp8 = true});
  const auto reference = kernels::make_reference_ops(test_limits());
  const Matrix matrix = kernels_test::make_matrix(Format::kBF16, kRows, kCols, 31);
  const auto x = Random(32).uniforms(3 * kCols);
  const std::vector<float> bias(kRows, 0.0F);
  const auto actual = multiply(*ops, matrix, x, 3, bias);
  const auto expected = multiply(*reference, matrix, x, 3, bias);
  double differences = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const std::size_t r = i % kRows;
    double magnitude = 0;
    for (std::size_t c = 0; c < kCols; ++c) {
      magnitude += std::fabs(static_cast<double>(matrix.elements[r * kCols + c]) *
                             static_cast<double>(x[i / kRows * kCols + c]));
    }
    differences += std::fabs(actual[i] - expected[i]) > 0 ? 1 : 0;
    // Three bits of significand after the first: 2^-4 of each weight.
    ASSERT_LE(std::fabs(actual[i] - expected[i]), magnitude * (0x1p-4 + 0x1p-8) + 1e-3);
  }
  EXPECT_GT(differences, 0) << "no weight was rounded";
}

}  // namespace
}  // namespace gpu_test
