// Embeddings, logits, their statistics and sampling on the GPU against the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/gpu/gpu_under_test.h"
#include "tests/kernels/samples.h"

namespace gpu_test {
namespace {

using kernels::Format;
using kernels::Status;
using kernels_test::Random;

class GpuRows : public GpuTest {};

TEST_F(GpuRows, EmbedsAsTheReferenceDoesInEveryFormat) {
  const auto ops = make_ops(test_limits());
  for (const Format format : kernels_test::kFormats) {
    const auto matrix = kernels_test::make_matrix(format, 100, 512, 3);
    const auto table = kernels_test::load(*ops, matrix);
    const std::int32_t tokens[] = {99, 0, 64, 63, 17, 17, 1};
    const Floats out(*ops, std::size(tokens) * 512);
    ASSERT_EQ(ops->embed(*table, tokens, std::size(tokens), out.data()), Status::kOk);
    const auto values = out.values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float expected =
          matrix.elements[static_cast<std::size_t>(tokens[i / 512]) * 512 + i % 512];
      ASSERT_NEAR(values[i], expected, std::fabs(expected) * 0x1.02p-8F)
          << kernels::format_info(format).name << " " << i;
    }
  }
}

TEST_F(GpuRows, GivesLogitsOfTheRowsThatWereChosenAndTheirStatistics) {
  constexpr std::size_t kCols = 256;
  constexpr std::size_t kVocabulary = 1000;
  const auto matrix = kernels_test::make_matrix(Format::kQ6_K, kVocabulary, kCols, 5);
  const std::int32_t chosen[] = {6, 0, 3};
  const auto run = [&](kernels::Ops& ops, float* maximum, float* log_sum) {
    Random random(6);
    const Floats x(ops, random.uniforms(7 * kCols, 5.0F));
    const Floats norm(ops, random.uniforms(kCols));
    const auto head = kernels_test::load(ops, matrix);
    const Floats out(ops, std::size(chosen) * kVocabulary);
    EXPECT_EQ(
        ops.logits(x.data(), chosen, std::size(chosen), {norm.data(), 1e-6F}, *head, out.data()),
        Status::kOk);
    EXPECT_EQ(ops.logit_stats(out.data(), std::size(chosen), kVocabulary, maximum, log_sum),
              Status::kOk);
    return out.values();
  };
  float maximum[3], log_sum[3], expected_maximum[3], expected_log_sum[3];
  const auto ops = make_ops(test_limits());
  const auto reference = kernels::make_reference_ops(test_limits());
  const auto actual = run(*ops, maximum, log_sum);
  const auto expected = run(*reference, expected_maximum, expected_log_sum);
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], 0.02F + 0.01F * std::fabs(expected[i])) << i;
  for (std::size_t m = 0; m < 3; ++m) {
    const float* const row = actual.data() + m * kVocabulary;
    float largest = row[0];
    double sum = 0;
    for (std::size_t v = 0; v < kVocabulary; ++v) largest = std::max(largest, row[v]);
    for (std::size_t v = 0; v < kVocabulary; ++v)
      sum += std::exp(static_cast<double>(row[v]) - static_cast<double>(largest));
    EXPECT_EQ(maximum[m], largest) << m;
    EXPECT_NEAR(log_sum[m], std::log(sum), 1e-4) << m;
    EXPECT_NEAR(maximum[m] + log_sum[m], expected_maximum[m] + expected_log_sum[m], 0.03) << m;
  }
}

TEST_F(GpuRows, DrawsTheLargestLogitAtTemperatureZeroAndSaysWhenARowIsNotFinite) {
  const auto ops = make_ops(test_limits());
  if (!ops->samples()) GTEST_SKIP() << "this GPU leaves sampling to the host";
  constexpr std::size_t kVocabulary = 5000;
  auto logits = Random(9).uniforms(3 * kVocabulary, 10.0F);
  logits[777] = logits[4000] = 11;  // equal: the lower id
  logits[kVocabulary + 4999] = 12;
  logits[2 * kVocabulary + 5] = std::numeric_limits<float>::quiet_NaN();
  const Floats device(*ops, logits);
  kernels::SampleRow rows[3];
  for (std::uint32_t i = 0; i < 3; ++i) rows[i] = {.row = i, .temperature = 0};
  std::int32_t tokens[3] = {};
  ASSERT_EQ(ops->sample(device.data(), kVocabulary, rows, 3, tokens), Status::kOk);
  EXPECT_EQ(tokens[0], 777);
  EXPECT_EQ(tokens[1], 4999);
  EXPECT_EQ(tokens[2], -1);
}

TEST_F(GpuRows, DrawsTheSameTokensWhereverARowStandsAndAsOftenAsTheyAreProbable) {
  const auto ops = make_ops(test_limits());
  if (!ops->samples()) GTEST_SKIP() << "this GPU leaves sampling to the host";
  constexpr std::size_t kVocabulary = 512;
  constexpr std::size_t kDraws = 60;
  // Two tokens share nine tenths of the probability.
  std::vector<float> row(kVocabulary, -6.0F);
  row[100] = row[400] = 4.0F;
  const Floats device(*ops, row);
  std::vector<kernels::SampleRow> rows(kDraws);
  for (std::size_t i = 0; i < kDraws; ++i)
    rows[i] = {.row = 0, .temperature = 1, .seed = i, .position = 3};
  std::vector<std::int32_t> together(kDraws);
  ASSERT_EQ(ops->sample(device.data(), kVocabulary, rows.data(), kDraws, together.data()),
            Status::kOk);
  std::size_t first = 0, second = 0;
  for (std::size_t i = 0; i < kDraws; ++i) {
    std::int32_t alone = -2;
    ASSERT_EQ(ops->sample(device.data(), kVocabulary, &rows[i], 1, &alone), Status::kOk);
    EXPECT_EQ(alone, together[i]) << i;
    first += alone == 100;
    second += alone == 400;
  }
  EXPECT_GT(first, kDraws / 6);
  EXPECT_GT(second, kDraws / 6);
}

}  // namespace
}  // namespace gpu_test
