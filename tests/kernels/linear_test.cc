// The linear operations of every ISA against the reference, and bit for bit against themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tests/kernels/samples.h"

namespace kernels_test {
namespace {

using kernels::Format;
using kernels::LinearTerm;
using kernels::RmsNorm;
using kernels::Status;

std::string describe(const Matrix& matrix, std::uint64_t seed) {
  return std::string(kernels::format_info(matrix.format).name) + " " + std::to_string(matrix.rows) +
         " x " + std::to_string(matrix.cols) + " seed " + std::to_string(seed);
}

std::vector<float> norm_linear(kernels::Ops& ops, const kernels::Weight& weight,
                               const std::vector<float>& x, std::size_t n, const RmsNorm& norm,
                               const float* bias = nullptr) {
  std::vector<float> out(n * weight.rows());
  const LinearTerm term{&weight, bias, out.data(), weight.rows()};
  EXPECT_EQ(ops.norm_linear(x.data(), n, norm, &term, 1), Status::kOk);
  return out;
}

// How far output (i, r) may be from the reference (kernels/NUMERICS.md, section 5): half a step of
// each activation's int8 scale for quantised weights, and the rounding of sums of `cols` floats.
double bound(const Matrix& matrix, std::size_t r, const float* x) {
  const float* w = matrix.elements.data() + r * matrix.cols;
  double quantising = 0;
  double magnitude = 0;
  for (std::size_t first = 0; first < matrix.cols; first += 32) {
    const std::size_t last = std::min(first + 32, matrix.cols);
    float largest = 0;
    double weights = 0;
    for (std::size_t c = first; c < last; ++c) {
      largest = std::max(largest, std::fabs(x[c]));
      weights += std::fabs(static_cast<double>(w[c]));
      magnitude += std::fabs(static_cast<double>(w[c]) * static_cast<double>(x[c]));
    }
    quantising += weights * static_cast<double>(largest) / 127.0 * 0.5001;
  }
  // Rounding: K formats subtract mins, whose terms are larger than the elements they make.
  const double rounding =
      (static_cast<double>(matrix.cols) / 2 + 32) * 0x1p-23 * (magnitude + 1e-3);
  return (is_quantised(matrix.format) ? quantising : 0) + rounding;
}

void expect_near_reference(kernels::Ops& ops, const Matrix& matrix, std::size_t n,
                           std::uint64_t seed) {
  const auto reference = kernels::make_reference_ops(test_limits());
  const auto weight = load(ops, matrix);
  const auto reference_weight = load(*reference, matrix);
  Random random(seed);
  const std::vector<float> x = random.uniforms(n * matrix.cols);
  const std::vector<float> bias = random.uniforms(matrix.rows);
  const std::vector<float> actual = norm_linear(ops, *weight, x, n, RmsNorm{}, bias.data());
  const std::vector<float> expected =
      norm_linear(*reference, *reference_weight, x, n, RmsNorm{}, bias.data());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t r = 0; r < matrix.rows; ++r) {
      const double error = std::fabs(static_cast<double>(actual[i * matrix.rows + r]) -
                                     static_cast<double>(expected[i * matrix.rows + r]));
      ASSERT_LE(error, bound(matrix, r, x.data() + i * matrix.cols))
          << ops.name() << " " << describe(matrix, seed) << " row " << i << " output " << r;
    }
  }
}

TEST(Linear, IsWithinTheStatedBoundOfTheReferenceForEverySmallShape) {
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 1);
    for (const Format format : kFormats) {
      const std::size_t block = kernels::format_info(format).block_elements;
      for (const std::size_t rows : {1U, 15U, 16U, 17U, 33U}) {
        for (std::size_t cols = std::max<std::size_t>(block, 32);
             cols <= 2 * std::max<std::size_t>(block, 32);
             cols += std::max<std::size_t>(block, 32)) {
          for (const std::size_t n : {1U, 2U, 5U, 12U, 13U}) {
            expect_near_reference(*ops, make_matrix(format, rows, cols, rows + cols), n,
                                  7 * rows + n);
          }
        }
      }
    }
  }
}

TEST(Linear, TakesFloatMatricesOfAnyWidth) {
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 1);
    for (const Format format : {Format::kF32, Format::kF16, Format::kBF16}) {
      for (std::size_t cols = 1; cols < 140; cols += 11) {
        for (const std::size_t n : {1U, 7U})
          expect_near_reference(*ops, make_matrix(format, 19, cols, cols), n, cols);
      }
    }
  }
}

TEST(Linear, IsWithinTheStatedBoundOfTheReferenceForRandomLargeShapes) {
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 2);
    for (const Format format : kFormats) {
      for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        Random random(seed);
        const std::size_t rows = 1 + random.below(150);
        const std::size_t cols = 256 * (1 + random.below(6));
        expect_near_reference(*ops, make_matrix(format, rows, cols, seed), 1 + random.below(20),
                              seed);
      }
    }
  }
}

TEST(Linear, GivesOneRowTheSameBitsAloneAndAmongOthersAndOnAnyNumberOfThreads) {
  constexpr std::size_t kRows = 37;
  for (const auto isa : isas()) {
    for (const Format format : kFormats) {
      const Matrix matrix = make_matrix(format, 83, 512, 5);
      const std::vector<float> x = Random(9).uniforms(kRows * matrix.cols);
      const std::vector<float> norm_weight = Random(10).uniforms(matrix.cols);
      const RmsNorm norm{norm_weight.data(), 1e-6F};
      const auto whole_ops = make_ops(isa, 1);
      const std::vector<float> whole =
          norm_linear(*whole_ops, *load(*whole_ops, matrix), x, kRows, norm);
      for (const std::size_t threads : {1U, 2U, 3U}) {
        const auto ops = make_ops(isa, threads);
        const auto weight = load(*ops, matrix);
        for (const std::size_t step : {1U, 2U, 3U, 8U, 11U, 37U}) {
          for (std::size_t first = 0; first < kRows; first += step) {
            const std::size_t n = std::min(step, kRows - first);
            const std::vector<float> part(
                x.begin() + static_cast<std::ptrdiff_t>(first * matrix.cols),
                x.begin() + static_cast<std::ptrdiff_t>((first + n) * matrix.cols));
            const std::vector<float> out = norm_linear(*ops, *weight, part, n, norm);
            ASSERT_EQ(0, std::memcmp(out.data(), whole.data() + first * matrix.rows,
                                     out.size() * sizeof(float)))
                << ops->name() << " " << describe(matrix, 5) << " threads " << threads << " rows "
                << first << " + " << n;
          }
        }
      }
    }
  }
}

TEST(Linear, GivesTheSameBitsOnEveryInstructionSet) {
  for (const Format format : kFormats) {
    const Matrix matrix = make_matrix(format, 50, 768, 3);
    const std::vector<float> x = Random(4).uniforms(15 * matrix.cols);
    const std::vector<float> norm_weight = Random(5).uniforms(matrix.cols);
    const auto plain = make_ops(kernels::CpuIsa::kPlain, 1);
    const std::vector<float> expected =
        norm_linear(*plain, *load(*plain, matrix), x, 15, RmsNorm{norm_weight.data(), 1e-5F});
    for (const auto isa : isas()) {
      const auto ops = make_ops(isa, 2);
      const std::vector<float> actual =
          norm_linear(*ops, *load(*ops, matrix), x, 15, RmsNorm{norm_weight.data(), 1e-5F});
      EXPECT_EQ(0, std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)))
          << ops->name() << " " << kernels::format_info(format).name;
    }
  }
}

// The largest codes and activations there are: an int16 that overflowed would show. Of codes: all
// bits set, none set, and of Q8_0 -128.
TEST(Linear, DoesNotSaturateAtTheExtremesOfEveryCode) {
  for (const Format format : kFormats) {
    if (!is_quantised(format)) continue;
    for (const int fill : {0xff, 0x00, 0x80}) {
      Matrix matrix{format, 16, 256, {}, {}};
      matrix.bytes.assign(16 * kernels::row_bytes(format, 256).value(),
                          static_cast<std::uint8_t>(fill));
      for (std::size_t at = 0; at < matrix.bytes.size();
           at += kernels::format_info(format).block_bytes)
        set_unit_scales(format, matrix.bytes.data() + at);
      for (const float sign : {1.0F, -1.0F}) {
        const std::vector<float> x(256, sign);  // exactly 127 * (1 / 127)
        const auto reference = kernels::make_reference_ops(test_limits());
        const std::vector<float> expected =
            norm_linear(*reference, *load(*reference, matrix), x, 1, RmsNorm{});
        for (const auto isa : isas()) {
          const auto ops = make_ops(isa, 1);
          const std::vector<float> actual = norm_linear(*ops, *load(*ops, matrix), x, 1, RmsNorm{});
          for (std::size_t r = 0; r < 16; ++r) {
            EXPECT_NEAR(actual[r], expected[r], std::fabs(expected[r]) * 1e-4F)
                << ops->name() << " " << kernels::format_info(format).name << " " << fill;
          }
        }
      }
    }
  }
}

TEST(Linear, ShowsANanOfTheInputInEveryOutputOfItsRowAndInNoOther) {
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 1);
    for (const Format format : kFormats) {
      const Matrix matrix = make_matrix(format, 17, 256, 5);
      std::vector<float> x = Random(6).uniforms(2 * 256);
      x[40] = std::nanf("");
      const std::vector<float> out = norm_linear(*ops, *load(*ops, matrix), x, 2, RmsNorm{});
      for (std::size_t r = 0; r < 17; ++r) {
        EXPECT_TRUE(std::isnan(out[r])) << ops->name() << " " << kernels::format_info(format).name;
        EXPECT_FALSE(std::isnan(out[17 + r]))
            << ops->name() << " " << kernels::format_info(format).name;
      }
    }
  }
}

TEST(NormLinear, ServesFourTermsOfDifferentFormatsFromOneInput) {
  const Matrix matrices[] = {
      make_matrix(Format::kQ4_K, 48, 256, 1), make_matrix(Format::kQ6_K, 20, 256, 2),
      make_matrix(Format::kF16, 33, 256, 3), make_matrix(Format::kQ8_0, 16, 256, 4)};
  const std::vector<float> x = Random(5).uniforms(14 * 256);
  const std::vector<float> norm_weight = Random(6).uniforms(256);
  const RmsNorm norm{norm_weight.data(), 1e-6F};
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 2);
    std::vector<std::unique_ptr<kernels::Weight>> weights;
    std::vector<std::vector<float>> outs;
    std::vector<LinearTerm> terms;
    for (const Matrix& matrix : matrices) {
      weights.push_back(load(*ops, matrix));
      outs.emplace_back(14 * (matrix.rows + 3), -1.0F);
    }
    for (std::size_t t = 0; t < 4; ++t)
      terms.push_back({weights[t].get(), nullptr, outs[t].data(), matrices[t].rows + 3});
    ASSERT_EQ(ops->norm_linear(x.data(), 14, norm, terms.data(), 4), Status::kOk);
    for (std::size_t t = 0; t < 4; ++t) {
      const std::vector<float> alone = norm_linear(*ops, *weights[t], x, 14, norm);
      for (std::size_t i = 0; i < 14; ++i) {
        const float* row = outs[t].data() + i * (matrices[t].rows + 3);
        EXPECT_EQ(0, std::memcmp(row, alone.data() + i * matrices[t].rows,
                                 matrices[t].rows * sizeof(float)));
        EXPECT_EQ(row[matrices[t].rows], -1.0F) << "wrote past the row";
      }
    }
  }
}

TEST(NormLinear, NormalisesAsTheReferenceDoes) {
  const Matrix matrix = make_matrix(Format::kF32, 40, 300, 1);
  const std::vector<float> x = Random(2).uniforms(3 * 300, 20.0F);
  const std::vector<float> norm_weight = Random(3).uniforms(300);
  const auto reference = kernels::make_reference_ops(test_limits());
  const auto expected =
      norm_linear(*reference, *load(*reference, matrix), x, 3, RmsNorm{norm_weight.data(), 1e-5F});
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 1);
    const auto actual =
        norm_linear(*ops, *load(*ops, matrix), x, 3, RmsNorm{norm_weight.data(), 1e-5F});
    EXPECT_THAT(actual, testing::Pointwise(testing::FloatNear(2e-6F), expected)) << ops->name();
  }
}

TEST(LinearResidual, AddsToWhatIsThere) {
  const Matrix matrix = make_matrix(Format::kF32, 21, 64, 1);
  const std::vector<float> x = Random(2).uniforms(5 * 64);
  const std::vector<float> bias = Random(3).uniforms(21);
  const std::vector<float> before = Random(4).uniforms(5 * 21);
  const auto reference = kernels::make_reference_ops(test_limits());
  std::vector<float> expected = before;
  const auto reference_weight = load(*reference, matrix);
  ASSERT_EQ(reference->linear_residual(x.data(), 5,
                                       {reference_weight.get(), bias.data(), expected.data(), 21}),
            Status::kOk);
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 2);
    const auto weight = load(*ops, matrix);
    std::vector<float> actual = before;
    ASSERT_EQ(ops->linear_residual(x.data(), 5, {weight.get(), bias.data(), actual.data(), 21}),
              Status::kOk);
    EXPECT_THAT(actual, testing::Pointwise(testing::FloatNear(1e-6F), expected)) << ops->name();
  }
}

TEST(NormGatedMlp, MultipliesTheActivatedGateWithUp) {
  const Matrix gate = make_matrix(Format::kF32, 35, 96, 1);
  const Matrix up = make_matrix(Format::kF16, 35, 96, 2);
  const std::vector<float> x = Random(3).uniforms(9 * 96, 4.0F);
  const std::vector<float> norm_weight = Random(4).uniforms(96, 8.0F);
  const RmsNorm norm{norm_weight.data(), 1e-5F};
  const auto run = [&](kernels::Ops& ops) {
    std::vector<float> out(9 * 35);
    EXPECT_EQ(ops.norm_gated_mlp(x.data(), 9, norm, *load(ops, gate), *load(ops, up),
                                 kernels::Activation::kSilu, out.data()),
              Status::kOk);
    return out;
  };
  const auto reference = kernels::make_reference_ops(test_limits());
  const std::vector<float> expected = run(*reference);
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 2);
    EXPECT_THAT(run(*ops), testing::Pointwise(testing::FloatNear(2e-5F), expected)) << ops->name();
  }
}

TEST(Logits, TakesTheChosenRowsAlone) {
  const Matrix head = make_matrix(Format::kQ8_0, 100, 128, 1);
  const std::vector<float> x = Random(2).uniforms(10 * 128);
  const std::vector<float> norm_weight = Random(3).uniforms(128);
  const RmsNorm norm{norm_weight.data(), 1e-5F};
  const std::int32_t chosen[] = {7, 2, 9};
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 2);
    const auto weight = load(*ops, head);
    const std::vector<float> all = norm_linear(*ops, *weight, x, 10, norm);
    std::vector<float> out(3 * 100);
    ASSERT_EQ(ops->logits(x.data(), chosen, 3, norm, *weight, out.data()), Status::kOk);
    for (std::size_t m = 0; m < 3; ++m) {
      EXPECT_EQ(0, std::memcmp(out.data() + m * 100,
                               all.data() + static_cast<std::size_t>(chosen[m]) * 100, 400));
    }
  }
}

TEST(LogitStats, GivesTheLargestAndTheLogOfTheSum) {
  for (const std::size_t vocab : {1U, 15U, 1000U, 5003U}) {
    const std::vector<float> logits = Random(vocab).uniforms(3 * vocab, 30.0F);
    std::vector<float> expected_max(3);
    std::vector<float> expected_sum(3);
    const auto reference = kernels::make_reference_ops(test_limits());
    ASSERT_EQ(
        reference->logit_stats(logits.data(), 3, vocab, expected_max.data(), expected_sum.data()),
        Status::kOk);
    for (const auto isa : isas()) {
      for (const std::size_t threads : {1U, 3U}) {
        const auto ops = make_ops(isa, threads);
        std::vector<float> max(3);
        std::vector<float> sum(3);
        ASSERT_EQ(ops->logit_stats(logits.data(), 3, vocab, max.data(), sum.data()), Status::kOk);
        EXPECT_EQ(max, expected_max);
        EXPECT_THAT(sum, testing::Pointwise(testing::FloatNear(2e-6F), expected_sum))
            << ops->name() << " " << vocab;
      }
    }
  }
}

TEST(Embed, ReadsBackTheElementsOfEveryFormat) {
  const std::int32_t tokens[] = {0, 16, 5, 36, 15};
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 2);
    for (const Format format : kFormats) {
      const Matrix table = make_matrix(format, 37, 512, 1);
      std::vector<float> out(5 * 512);
      ASSERT_EQ(ops->embed(*load(*ops, table), tokens, 5, out.data()), Status::kOk);
      for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(
            0, std::memcmp(out.data() + i * 512,
                           table.elements.data() + static_cast<std::size_t>(tokens[i]) * 512, 2048))
            << kernels::format_info(format).name;
      }
    }
  }
}

TEST(LoadWeight, RefusesShapesNoKernelReads) {
  const std::vector<std::uint8_t> bytes(1 << 16);
  for (const auto isa : isas()) {
    const auto ops = make_ops(isa, 1);
    std::unique_ptr<kernels::Weight> weight;
    EXPECT_EQ(ops->load_weight({Format::kQ4_K, 4, 128, bytes.data()}, &weight),
              Status::kUnsupported);
    EXPECT_EQ(ops->load_weight({Format::kQ8_0, 4, 33, bytes.data()}, &weight),
              Status::kUnsupported);
    EXPECT_EQ(ops->load_weight({Format::kF32, 0, 32, bytes.data()}, &weight), Status::kUnsupported);
    EXPECT_EQ(ops->load_weight({Format::kF32, 1, 4097, bytes.data()}, &weight),
              Status::kUnsupported)
        << "past cols_max";
    EXPECT_EQ(weight, nullptr);
  }
}

// One process packs, another one computes: with the bits of a weight that was loaded.
TEST(Linear, ComputesWithAdoptedWeightsAsWithLoadedOnes) {
  for (const Format format : kFormats) {
    const Matrix matrix = make_matrix(format, 37, 512, 5);
    const auto packer = make_ops(kernels::CpuIsa::kPlain, 1);
    const std::size_t bytes = packer->weight_bytes(format, matrix.rows, matrix.cols);
    const std::unique_ptr<std::uint8_t, decltype(&std::free)> memory(
        static_cast<std::uint8_t*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)), &std::free);
    std::memset(memory.get(), 0, bytes);
    ASSERT_EQ(packer->pack_weight(matrix.source(), memory.get()), Status::kOk);
    Random random(6);
    const std::vector<float> x = random.uniforms(3 * matrix.cols);
    for (const kernels::CpuIsa isa : isas()) {
      const auto ops = make_ops(isa, 2);
      ASSERT_EQ(ops->packed_layout(), packer->packed_layout());
      std::unique_ptr<kernels::Weight> adopted;
      ASSERT_EQ(ops->adopt_weight(format, matrix.rows, matrix.cols, memory.get(), &adopted),
                Status::kOk);
      const auto loaded = load(*ops, matrix);
      EXPECT_EQ(norm_linear(*ops, *adopted, x, 3, {}), norm_linear(*ops, *loaded, x, 3, {}))
          << describe(matrix, 6) << " " << ops->name();
    }
  }
}

TEST(Linear, RefusesToAdoptWhatItCouldNotLoad) {
  const auto ops = make_ops(kernels::CpuIsa::kPlain, 1);
  alignas(64) std::uint8_t memory[64] = {};
  std::unique_ptr<kernels::Weight> weight;
  EXPECT_EQ(ops->adopt_weight(Format::kQ4_0, 1, 33, memory, &weight), Status::kUnsupported);
  EXPECT_EQ(ops->adopt_weight(Format::kF32, 1, test_limits().cols_max + 1, memory, &weight),
            Status::kUnsupported);
  const auto reference = kernels::make_reference_ops(test_limits());
  EXPECT_EQ(reference->packed_layout(), 0U);
  EXPECT_EQ(reference->adopt_weight(Format::kF32, 1, 1, memory, &weight), Status::kUnsupported);
}

}  // namespace
}  // namespace kernels_test
