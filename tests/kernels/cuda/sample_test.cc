// The sampling kernel against runtime's Sampler: not close to it, the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cuda/sample.h"
#include "runtime/engine/sampler.h"
#include "tests/kernels/cuda/launching.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {
namespace {

using kernels_test::Random;

std::vector<std::int32_t> draw_on_device(Device& device, const std::vector<float>& logits,
                                         std::size_t vocabulary,
                                         const std::vector<SampleRow>& rows) {
  const OnDevice<float> on_device(device, logits);
  const OnDevice<SampleRow> asked(device, rows);
  const OnDevice<std::int32_t> tokens(device, std::vector<std::int32_t>(rows.size(), -7));
  SampleCall call;
  call.logits = on_device.data();
  call.vocabulary = static_cast<std::uint32_t>(vocabulary);
  call.rows = asked.data();
  call.count = static_cast<std::uint32_t>(rows.size());
  call.tokens = tokens.data();
  EXPECT_EQ(run_sample(device, emulated_sample_kernels(), call), Status::kOk);
  return tokens.read();
}

// -1 where the Sampler says that a logit is not finite.
std::int32_t draw_on_host(runtime::Sampler& sampler, const float* logits, std::size_t vocabulary,
                          const SampleRow& row) {
  runtime::SamplingParams params;
  params.temperature = row.temperature;
  params.top_k = row.top_k;
  params.top_p = row.top_p;
  params.min_p = row.min_p;
  params.seed = row.seed;
  const auto token = sampler.sample({.logits = std::span(logits, vocabulary),
                                     .params = params,
                                     .history = nullptr,
                                     .barred = {},
                                     .choice = row.choice,
                                     .position = row.position});
  return token.ok() ? token.value() : kNotFinite;
}

std::string describe(const SampleRow& row) {
  return "row " + std::to_string(row.row) + " temperature " + std::to_string(row.temperature) +
         " top_k " + std::to_string(row.top_k) + " top_p " + std::to_string(row.top_p) + " min_p " +
         std::to_string(row.min_p) + " seed " + std::to_string(row.seed);
}

void expect_the_samplers_tokens(Device& device, const std::vector<float>& logits,
                                std::size_t vocabulary, const std::vector<SampleRow>& rows) {
  runtime::Sampler sampler(vocabulary);
  const std::vector<std::int32_t> tokens = draw_on_device(device, logits, vocabulary, rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(tokens[i],
              draw_on_host(sampler, logits.data() + rows[i].row * vocabulary, vocabulary, rows[i]))
        << describe(rows[i]) << " vocabulary " << vocabulary;
  }
}

template <typename T, std::size_t kCount>
T pick(Random& random, const T (&values)[kCount]) {
  return values[random.below(kCount)];
}

SampleRow random_row(Random& random, std::uint32_t row, std::size_t vocabulary) {
  SampleRow how;
  how.row = row;
  how.temperature = pick(random, {0.0F, 1e-3F, 0.1F, 0.7F, 1.0F, 1.0F, 1.5F, 10.0F, 100.0F});
  const std::int32_t ks[] = {0,
                             0,
                             0,
                             1,
                             2,
                             5,
                             40,
                             static_cast<std::int32_t>(vocabulary / 2),
                             static_cast<std::int32_t>(vocabulary) - 1,
                             static_cast<std::int32_t>(vocabulary),
                             1 << 30};
  how.top_k = pick(random, ks);
  how.top_p = pick(random, {1.0F, 1.0F, 0.95F, 0.5F, 1e-6F, 0.999999F, 0.0F});
  how.min_p = pick(random, {0.0F, 0.0F, 0.05F, 0.5F, 1.0F, 1e-12F, 1e-40F});
  how.seed = random.next();
  how.choice = static_cast<std::uint32_t>(random.below(5));
  how.position = static_cast<std::uint32_t>(random.next());
  return how;
}

// Rows as models make them, and rows no model makes.
enum class RowKind { kModel, kFlat, kTies, kZeros, kWide, kPeak, kNegative, kDenormal };
constexpr RowKind kRowKinds[] = {RowKind::kModel,    RowKind::kFlat,    RowKind::kTies,
                                 RowKind::kZeros,    RowKind::kWide,    RowKind::kPeak,
                                 RowKind::kNegative, RowKind::kDenormal};

float make_logit(RowKind kind, Random& random, std::size_t at) {
  const float x = random.uniform();
  switch (kind) {
    case RowKind::kModel:  // a bell, by the sum of four
      return 3.0F * (x + random.uniform() + random.uniform() + random.uniform());
    case RowKind::kFlat:
      return 1.0F + 1e-6F * x;
    case RowKind::kTies:
      return std::floor(4.0F * x);
    case RowKind::kZeros:
      return x > 0 ? 0.0F : -0.0F;
    case RowKind::kWide:
      return x * std::numeric_limits<float>::max();
    case RowKind::kPeak:
      return at == 11 ? 40.0F : x;
    case RowKind::kNegative:
      return -50.0F + 10.0F * x;
    case RowKind::kDenormal:
      return x * 1e-42F;
  }
  return 0;
}

TEST(SampleKernel, DrawsTheTokensOfTheHostsSamplerWhateverIsAskedFor) {
  const auto device = emulated_device();
  Random random(1);
  for (const std::size_t vocabulary : {1U, 2U, 31U, 33U, 257U, 1000U}) {
    const std::size_t kinds = std::size(kRowKinds);
    std::vector<float> logits;
    for (const RowKind kind : kRowKinds)
      for (std::size_t v = 0; v < vocabulary; ++v) logits.push_back(make_logit(kind, random, v));
    std::vector<SampleRow> rows;
    for (std::size_t i = 0; i < 35 * kinds; ++i)
      rows.push_back(random_row(random, static_cast<std::uint32_t>(i % kinds), vocabulary));
    expect_the_samplers_tokens(*device, logits, vocabulary, rows);
  }
}

// More tokens than bins of 32, so that runs are longer than a warp.
TEST(SampleKernel, DrawsTheTokensOfTheHostsSamplerFromALargeVocabulary) {
  const auto device = emulated_device();
  Random random(2);
  const std::size_t vocabulary = 151'937;
  std::vector<float> logits;
  for (const RowKind kind : {RowKind::kModel, RowKind::kFlat, RowKind::kTies})
    for (std::size_t v = 0; v < vocabulary; ++v) logits.push_back(make_logit(kind, random, v));
  std::vector<SampleRow> rows;
  for (std::uint32_t i = 0; i < 9; ++i) {
    SampleRow how = random_row(random, i % 3, vocabulary);
    how.temperature = 0.9F;
    if (i < 3) how.top_k = 40 * static_cast<std::int32_t>(i);
    how.top_p = i < 6 ? 0.9F : 1.0F;
    rows.push_back(how);
  }
  expect_the_samplers_tokens(*device, logits, vocabulary, rows);
}

TEST(SampleKernel, DrawsTheSameInWhateverOrderThreadsRun) {
  Random random(3);
  const std::size_t vocabulary = 700;
  std::vector<float> logits;
  for (const RowKind kind : kRowKinds)
    for (std::size_t v = 0; v < vocabulary; ++v) logits.push_back(make_logit(kind, random, v));
  std::vector<SampleRow> rows;
  for (std::uint32_t i = 0; i < 40; ++i) rows.push_back(random_row(random, i % 8, vocabulary));
  const std::vector<std::int32_t> expected =
      draw_on_device(*emulated_device(), logits, vocabulary, rows);
  for (const std::uint64_t order : {1U, 2U, 3U})
    EXPECT_EQ(draw_on_device(*emulated_device(order), logits, vocabulary, rows), expected);
}

TEST(SampleKernel, RefusesARowWithALogitThatIsNotFinite) {
  const auto device = emulated_device();
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf(""),
                          -std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {0U, 511U, 599U}) {
      std::vector<float> logits = Random(4).uniforms(1200);
      logits[at] = bad;
      SampleRow greedy;
      greedy.temperature = 0;
      SampleRow other;
      other.row = 1;
      const std::vector<std::int32_t> tokens =
          draw_on_device(*device, logits, 600, {SampleRow{}, greedy, other});
      EXPECT_EQ(tokens[0], kNotFinite);
      EXPECT_EQ(tokens[1], kNotFinite);
      EXPECT_GE(tokens[2], 0);
    }
  }
}

TEST(SampleKernel, TakesTheLowestIdAmongEqualsWhenGreedy) {
  const auto device = emulated_device();
  std::vector<float> logits(600, -1.0F);
  logits[577] = 0.0F;
  logits[70] = -0.0F;
  SampleRow greedy;
  greedy.temperature = 0;
  EXPECT_EQ(draw_on_device(*device, logits, 600, {greedy})[0], 70);
}

TEST(SampleKernel, IsForGpusThatComputeDoublesAtSpeed) {
  for (const int capability : {80, 90, 100, 103}) EXPECT_TRUE(samples_well(capability));
  for (const int capability : {75, 86, 89, 110, 120}) EXPECT_FALSE(samples_well(capability));
}

}  // namespace
}  // namespace kernels::cuda
