// The linear operations of the backend against the reference within the bound that bf16 leaves, and
// bit for bit against themselves.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/half.h"
#include "tests/kernels/cuda/emulated_ops.h"

namespace kernels::cuda {
namespace {

using kernels_test::make_matrix;
using kernels_test::Matrix;
using kernels_test::Random;

std::vector<float> norm_linear(Ops& ops, const Weight& weight, const std::vector<float>& x,
                               std::size_t n, const float* norm = nullptr,
                               const float* bias = nullptr) {
  const Held<float> in(ops, x);
  const Held<float> out(ops, n * weight.rows());
  const LinearTerm term{&weight, bias, out.data(), weight.rows()};
  EXPECT_EQ(ops.norm_linear(in.data(), n, {norm, 1e-5F}, &term, 1), Status::kOk);
  return out.read();
}

std::vector<float> reference_norm_linear(const Matrix& matrix, const std::vector<float>& x,
                                         std::size_t n, const float* norm = nullptr,
                                         const float* bias = nullptr) {
  const auto ops = make_reference_ops(small_limits());
  return norm_linear(*ops, *load_matrix(*ops, matrix), x, n, norm, bias);
}

// An element of a row is rounded to bf16, by 2^-8 of itself (eight bits of significand), and so is
// an element of a weight, but for those of BF16, which are that already, and of F32 and F16, which
// are two bf16. Their product is exact, and sums of float32 lose 2^-23 each at most. So an output
// is off by no more than this share of sum |weight * x|. With fp8 float weights have e4m3's four
// bits.
double share(Format format, std::size_t cols, bool fp8 = false) {
  const bool quantised = kernels_test::is_quantised(format);
  const double weight = quantised ? 0x1p-8 : fp8 ? 0x1p-4 : 0x1p-16;
  return (1 + weight) * (1 + 0x1p-8) - 1 + static_cast<double>(cols) * 0x1p-23;
}

double magnitude(const Matrix& matrix, std::size_t r, const float* x) {
  double sum = 0;
  for (std::size_t c = 0; c < matrix.cols; ++c) {
    sum += std::fabs(static_cast<double>(matrix.elements[r * matrix.cols + c]) *
                     static_cast<double>(x[c]));
  }
  return sum;
}

void expect_near_reference(Ops& ops, const Matrix& matrix, std::size_t n, bool fp8 = false) {
  const std::vector<float> x = Random(n).uniforms(n * matrix.cols);
  const std::vector<float> bias = Random(n + 1).uniforms(matrix.rows);
  const auto weight = load_matrix(ops, matrix);
  const Held<float> held_bias(ops, bias);
  const std::vector<float> actual = norm_linear(ops, *weight, x, n, nullptr, held_bias.data());
  const std::vector<float> expected = reference_norm_linear(matrix, x, n, nullptr, bias.data());
  const bool coarse = fp8 && !kernels_test::is_quantised(matrix.format);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t r = 0; r < matrix.rows; ++r) {
      const double bound = share(matrix.format, matrix.cols, coarse) *
                               magnitude(matrix, r, x.data() + i * matrix.cols) +
                           1e-5 +
                           (coarse ? 0x1p-10 * 0.1 * static_cast<double>(matrix.cols) / 448 : 0);
      ASSERT_NEAR(actual[i * matrix.rows + r], expected[i * matrix.rows + r], bound)
          << ops.name() << " " << format_info(matrix.format).name << " " << matrix.rows << " x "
          << matrix.cols << " n " << n << " row " << i << " output " << r;
    }
  }
}

TEST(CudaLinear, IsWithinTheStatedBoundOfTheReferenceForEveryFormat) {
  for (const bool sm90a : {true, false}) {
    for (const bool fp8 : {false, true}) {
      const auto ops = make_emulated_ops({.sm90a = sm90a, .fp8 = fp8});
      for (const Format format : kernels_test::kFormats) {
        if (fp8 && kernels_test::is_quantised(format)) continue;
        expect_near_reference(*ops, make_matrix(format, 70, 512, 3), 3, fp8);
      }
    }
  }
}

TEST(CudaLinear, TakesMatricesOfAnyWidth) {
  for (const bool sm90a : {true, false}) {
    const auto ops = make_emulated_ops({.sm90a = sm90a});
    for (const std::size_t cols : {1U, 35U, 64U, 100U, 319U}) {
      for (const Format format : {Format::kF32, Format::kBF16}) {
        expect_near_reference(*ops, make_matrix(format, 19, cols, cols), 2);
      }
    }
    expect_near_reference(*ops, make_matrix(Format::kQ8_0, 65, 96, 4), 2);
    expect_near_reference(*ops, make_matrix(Format::kQ4_0, 65, 352, 5), 2);
  }
}

// Every operation once for all rows, then for parts of them.
TEST(CudaLinear, GivesARowTheSameBitsAloneAndAmongOthers) {
  constexpr std::size_t kRows = 37;
  for (const bool sm90a : {true, false}) {
    const auto ops = make_emulated_ops({.sm90a = sm90a});
    const auto shuffled = make_emulated_ops({.sm90a = sm90a, .order_seed = 7});
    for (const Format format : {Format::kQ4_K, Format::kBF16}) {
      const Matrix matrix = make_matrix(format, 83, 512, 5);
      const std::vector<float> x = Random(9).uniforms(kRows * matrix.cols);
      const std::vector<float> norm = Random(10).uniforms(matrix.cols);
      const Held<float> norm_weight(*ops, norm);
      const Held<float> other_norm(*shuffled, norm);
      const std::vector<float> whole =
          norm_linear(*ops, *load_matrix(*ops, matrix), x, kRows, norm_weight.data());
      const auto weight = load_matrix(*shuffled, matrix);
      for (const std::size_t step : {1U, 8U, 17U}) {
        for (std::size_t first = 0; first < kRows; first += step == 1 ? 9 : step) {
          const std::size_t n = std::min(step, kRows - first);
          const auto from = x.begin() + static_cast<std::ptrdiff_t>(first * matrix.cols);
          const std::vector<float> part(from, from + static_cast<std::ptrdiff_t>(n * matrix.cols));
          const std::vector<float> out =
              norm_linear(*shuffled, *weight, part, n, other_norm.data());
          const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(first * matrix.rows);
          ASSERT_TRUE(std::equal(out.begin(), out.end(), begin))
              << ops->name() << " rows " << first << " + " << n;
        }
      }
    }
  }
}

TEST(CudaNormLinear, ServesFourTermsOfDifferentFormatsFromOneRow) {
  const Matrix matrices[] = {
      make_matrix(Format::kQ4_K, 48, 256, 1), make_matrix(Format::kQ6_K, 20, 256, 2),
      make_matrix(Format::kF16, 33, 256, 3), make_matrix(Format::kQ4_K, 16, 256, 4)};
  const std::vector<float> x = Random(5).uniforms(14 * 256);
  const std::vector<float> norm = Random(6).uniforms(256);
  const auto ops = make_emulated_ops();
  const Held<float> in(*ops, x);
  const Held<float> norm_weight(*ops, norm);
  std::vector<std::unique_ptr<Weight>> weights;
  std::vector<std::unique_ptr<Held<float>>> outs;
  std::vector<LinearTerm> terms;
  for (const Matrix& matrix : matrices) {
    weights.push_back(load_matrix(*ops, matrix));
    outs.push_back(
        std::make_unique<Held<float>>(*ops, std::vector<float>(14 * (matrix.rows + 3), -1.0F)));
    terms.push_back({weights.back().get(), nullptr, outs.back()->data(), matrix.rows + 3});
  }
  ASSERT_EQ(ops->norm_linear(in.data(), 14, {norm_weight.data(), 1e-5F}, terms.data(), 4),
            Status::kOk);
  for (std::size_t t = 0; t < 4; ++t) {
    const std::vector<float> alone = norm_linear(*ops, *weights[t], x, 14, norm_weight.data());
    const std::vector<float> out = outs[t]->read();
    for (std::size_t i = 0; i < 14; ++i) {
      const float* const row = out.data() + i * (matrices[t].rows + 3);
      for (std::size_t r = 0; r < matrices[t].rows; ++r)
        ASSERT_EQ(row[r], alone[i * matrices[t].rows + r]);
      EXPECT_EQ(row[matrices[t].rows], -1.0F) << "wrote past the row";
    }
  }
}

// Rows of whole records are read where they are; others are padded first. What lies behind a row
// must not matter.
TEST(CudaLinearResidual, AddsToWhatIsThereAtEveryWidth) {
  for (const bool sm90a : {true, false}) {
    const auto ops = make_emulated_ops({.sm90a = sm90a});
    for (const std::size_t cols : {35U, 64U, 96U, 256U, 700U}) {
      const Matrix matrix = make_matrix(Format::kBF16, 41, cols, cols);
      const std::vector<float> x = Random(2).uniforms(6 * cols);
      const std::vector<float> residual = Random(3).uniforms(6 * 41);
      const std::vector<float> bias = Random(4).uniforms(41);
      const auto weight = load_matrix(*ops, matrix);
      const Held<float> rows(*ops, std::vector<float>(6 * cols, std::nanf("")));
      ASSERT_EQ(ops->write_rows(rows.data(), x.data(), 6, cols), Status::kOk);
      const Held<float> out(*ops, residual);
      const Held<float> held_bias(*ops, bias);
      ASSERT_EQ(
          ops->linear_residual(rows.data(), 6, {weight.get(), held_bias.data(), out.data(), 41}),
          Status::kOk);
      const std::vector<float> actual = out.read();
      const std::vector<float> expected = reference_norm_linear(matrix, x, 6, nullptr, bias.data());
      for (std::size_t i = 0; i < 6; ++i) {
        for (std::size_t r = 0; r < 41; ++r) {
          const double bound =
              share(matrix.format, cols) * magnitude(matrix, r, x.data() + i * cols) + 1e-5;
          ASSERT_NEAR(actual[i * 41 + r], expected[i * 41 + r] + residual[i * 41 + r], bound)
              << cols;
        }
      }
    }
  }
}

double silu(double z) {
  return z / (1 + std::exp(-z));
}

// Formats alike: one launch. Otherwise three, and the same numbers within the bound.
TEST(CudaNormGatedMlp, MultipliesTheActivatedGateWithUp) {
  for (const bool sm90a : {true, false}) {
    const auto ops = make_emulated_ops({.sm90a = sm90a});
    for (const Format up_format : {Format::kBF16, Format::kQ8_0}) {
      const Matrix gate = make_matrix(Format::kBF16, 130, 256, 1);
      const Matrix up = make_matrix(up_format, 130, 256, 2);
      const std::vector<float> x = Random(3).uniforms(9 * 256, 4.0F);
      const Held<float> in(*ops, x);
      const Held<float> out(*ops, 9 * 130);
      ASSERT_EQ(ops->norm_gated_mlp(in.data(), 9, {}, *load_matrix(*ops, gate),
                                    *load_matrix(*ops, up), Activation::kSilu, out.data()),
                Status::kOk);
      std::vector<float> actual(9 * 130);
      ASSERT_EQ(ops->read_rows(actual.data(), out.data(), 9, 130), Status::kOk);
      const std::vector<float> gates = reference_norm_linear(gate, x, 9);
      const std::vector<float> ups = reference_norm_linear(up, x, 9);
      for (std::size_t i = 0; i < actual.size(); ++i) {
        const float* const row = x.data() + i / 130 * 256;
        const double gate_error = share(gate.format, 256) * magnitude(gate, i % 130, row);
        const double up_error = share(up.format, 256) * magnitude(up, i % 130, row);
        const double u = static_cast<double>(ups[i]);
        const double activated = silu(static_cast<double>(gates[i]));
        // silu's slope is below 1.1 everywhere.
        const double bound = 1.1 * gate_error * (std::fabs(u) + up_error) +
                             std::fabs(activated) * up_error + 0x1p-8 * std::fabs(activated * u) +
                             1e-5;
        ASSERT_NEAR(static_cast<double>(actual[i]), activated * u, bound)
            << ops->name() << " " << i;
      }
    }
  }
}

TEST(CudaNormGatedMlp, GivesARowTheSameBitsAloneAndAmongOthers) {
  for (const Format up_format : {Format::kQ4_K, Format::kQ6_K}) {
    const auto ops = make_emulated_ops();
    const auto gate = load_matrix(*ops, make_matrix(Format::kQ4_K, 130, 256, 1));
    const auto up = load_matrix(*ops, make_matrix(up_format, 130, 256, 2));
    const Held<float> x(*ops, Random(3).uniforms(20 * 256));
    const Held<float> norm(*ops, Random(4).uniforms(256));
    const auto run = [&](std::size_t first, std::size_t n) {
      const Held<float> out(*ops, n * 130);
      EXPECT_EQ(ops->norm_gated_mlp(x.data() + first * 256, n, {norm.data(), 1e-5F}, *gate, *up,
                                    Activation::kSilu, out.data()),
                Status::kOk);
      std::vector<float> read(n * 130);
      EXPECT_EQ(ops->read_rows(read.data(), out.data(), n, 130), Status::kOk);
      return read;
    };
    const std::vector<float> whole = run(0, 20);
    for (const std::size_t first : {0U, 7U, 19U}) {
      const std::vector<float> alone = run(first, 1);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(),
                             whole.begin() + static_cast<std::ptrdiff_t>(first * 130)));
    }
  }
}

TEST(CudaLogits, TakesTheChosenRowsAlone) {
  const auto ops = make_emulated_ops();
  const auto head = load_matrix(*ops, make_matrix(Format::kQ8_0, 100, 128, 1));
  const std::vector<float> x = Random(2).uniforms(10 * 128);
  const Held<float> in(*ops, x);
  const Held<float> norm(*ops, Random(3).uniforms(128));
  const std::int32_t chosen[] = {7, 2, 9};
  const std::vector<float> all = norm_linear(*ops, *head, x, 10, norm.data());
  const Held<float> out(*ops, 3 * 100);
  ASSERT_EQ(ops->logits(in.data(), chosen, 3, {norm.data(), 1e-5F}, *head, out.data()),
            Status::kOk);
  const std::vector<float> logits = out.read();
  for (std::size_t m = 0; m < 3; ++m) {
    for (std::size_t r = 0; r < 100; ++r)
      ASSERT_EQ(logits[m * 100 + r], all[static_cast<std::size_t>(chosen[m]) * 100 + r]);
  }
}

TEST(CudaLogitStats, AreTheReferences) {
  const auto ops = make_emulated_ops();
  const auto reference = make_reference_ops(small_limits());
  const std::vector<float> logits = Random(4).uniforms(3 * 1000, 15.0F);
  const Held<float> held(*ops, logits);
  float max[3], sum[3], expected_max[3], expected_sum[3];
  ASSERT_EQ(ops->logit_stats(held.data(), 3, 1000, max, sum), Status::kOk);
  ASSERT_EQ(reference->logit_stats(logits.data(), 3, 1000, expected_max, expected_sum),
            Status::kOk);
  for (std::size_t m = 0; m < 3; ++m) {
    EXPECT_EQ(max[m], expected_max[m]);
    EXPECT_NEAR(sum[m], expected_sum[m], 4e-6F);
  }
}

TEST(CudaEmbed, GivesRowsAsTheReferenceDoesButRoundedToBf16) {
  const auto ops = make_emulated_ops();
  const std::int32_t tokens[] = {0, 16, 5, 36, 15};
  for (const Format format : kernels_test::kFormats) {
    const Matrix table = make_matrix(format, 37, 512, 1);
    const Held<float> out(*ops, 5 * 512);
    ASSERT_EQ(ops->embed(*load_matrix(*ops, table), tokens, 5, out.data()), Status::kOk);
    const std::vector<float> read = out.read();
    for (std::size_t i = 0; i < read.size(); ++i) {
      const float exact = table.elements[static_cast<std::size_t>(tokens[i / 512]) * 512 + i % 512];
      ASSERT_NEAR(read[i], exact, std::fabs(exact) * 0x1p-8F) << format_info(format).name;
    }
  }
}

// A residual connection and the norm behind it, as a layer has them: with the hint or without.
struct Hinted {
  bool hint = true;
  bool other_norm = false;     // the norm that follows is another than was said
  std::size_t fewer_rows = 0;  // it is of so many rows less
  bool changed = false;        // rows are written in between
};

std::vector<float> residual_and_norm(Ops& ops, const Hinted& how) {
  constexpr std::size_t kDim = 256;
  constexpr std::size_t kHidden = 512;
  constexpr std::size_t kRows = 5;
  const auto down = load_matrix(ops, make_matrix(Format::kQ8_0, kDim, kHidden, 1));
  const auto next = load_matrix(ops, make_matrix(Format::kBF16, 100, kDim, 2));
  const Held<float> hidden(ops, kRows * kHidden);
  const std::vector<float> values = Random(3).uniforms(kRows * kHidden);
  EXPECT_EQ(ops.write_rows(hidden.data(), values.data(), kRows, kHidden), Status::kOk);
  Held<float> residual(ops, Random(4).uniforms(kRows * kDim));
  const Held<float> norms[] = {{ops, Random(5).uniforms(kDim)}, {ops, Random(6).uniforms(kDim)}};
  const Held<float> out(ops, kRows * 100);
  LinearTerm term{down.get(), nullptr, residual.data(), kDim, {}};
  if (how.hint) term.next = {norms[0].data(), 1e-5F};
  EXPECT_EQ(ops.linear_residual(hidden.data(), kRows, term), Status::kOk);
  if (how.changed) residual.write(Random(7).uniforms(kRows * kDim));
  const LinearTerm after{next.get(), nullptr, out.data(), 100, {}};
  EXPECT_EQ(ops.norm_linear(residual.data(), kRows - how.fewer_rows,
                            {norms[how.other_norm ? 1 : 0].data(), 1e-5F}, &after, 1),
            Status::kOk);
  return out.read();
}

TEST(CudaLinear, HasTheSameBitsWhetherOrNotTheNextNormWasSaid) {
  for (const bool sm90a : {true, false}) {
    const auto ops = make_emulated_ops({.sm90a = sm90a});
    for (const Hinted& how :
         {Hinted{}, Hinted{.other_norm = true}, Hinted{.fewer_rows = 2}, Hinted{.changed = true}}) {
      Hinted without = how;
      without.hint = false;
      EXPECT_EQ(residual_and_norm(*ops, how), residual_and_norm(*ops, without))
          << ops->name() << how.other_norm << how.fewer_rows << how.changed;
    }
  }
}

}  // namespace
}  // namespace kernels::cuda
