// Attention's kernels against the reference backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/kernels/cuda/attention_runner.h"

namespace kernels_cuda_test {
namespace {

// Values are within [-1, 1). The CPU backend's tolerances (kernels/NUMERICS.md, section 7), though
// queries and weights are rounded to 11 bits here, and on top the rounding of outputs to bf16's 8
// bits.
float tolerance(KvFormat format, float value) {
  return (format == KvFormat::kQ8_0 ? 6e-3F : 1e-3F) + std::fabs(value) * 0x1p-8F;
}

void expect_near(const Sequence& sequence, const std::vector<float>& actual) {
  const std::vector<float> expected = expected_attention(sequence);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance(sequence.shape.format, expected[i]))
        << describe(sequence.shape) << " element " << i;
  }
}

void expect_near_reference(const HeadShape& shape, std::uint32_t tokens) {
  const std::vector<Sequence> sequences = {Sequence(shape, tokens, tokens + shape.head_dim)};
  Runner runner(sequences, {});
  runner.in_chunks(61);
  expect_near(sequences[0], runner.floats(0));
}

constexpr KvFormat kKvFormats[] = {KvFormat::kF16, KvFormat::kQ8_0};

TEST(CudaAttention, IsNearTheReferenceForEveryHeadShape) {
  for (const std::uint32_t head_dim : {32U, 64U, 80U, 96U, 128U, 256U}) {
    for (const auto& [q_heads, kv_heads] : {std::pair<std::uint32_t, std::uint32_t>{1, 1},
                                            {4, 2},
                                            {7, 1},
                                            {3, 3},
                                            {16, 1},
                                            {18, 1}}) {
      for (const auto format : kKvFormats) {
        expect_near_reference({q_heads, kv_heads, head_dim, 16, 0, format}, 40);
      }
    }
  }
}

TEST(CudaAttention, IsNearTheReferenceOverSeveralSplitsAndWindows) {
  for (const std::int32_t window : {0, 1, 17, 256, 300}) {
    expect_near_reference({2, 1, 32, 32, window}, 520);
  }
}

TEST(CudaAttention, IsNearTheReferenceForBothRopesWithAndWithoutHeadNorms) {
  for (const auto pairs : {RopePairs::kAdjacent, RopePairs::kHalves}) {
    for (const bool norms : {false, true}) {
      for (const std::uint32_t rope_dims : {64U, 32U}) {
        for (const auto format : kKvFormats) {
          expect_near_reference({6, 2, 64, 64, 0, format, pairs, norms, rope_dims}, 70);
        }
      }
    }
  }
}

TEST(CudaAttention, IsNearTheReferenceForSplitsSideBySide) {
  for (const auto format : kKvFormats) {
    const HeadShape shape{4, 2, 80, 16, 0, format};
    const std::vector<Sequence> sequences = {Sequence(shape, 530, 4)};
    Runner runner(sequences, {});
    for (std::uint32_t first = 0; first < 529; first += 60) {
      runner.step({{0, first, std::min(60U, 529 - first)}});
    }
    runner.step({{0, 529, 1}}, true);
    expect_near(sequences[0], runner.floats(0));
  }
}

TEST(CudaAttention, CapsScoresAndHasSinksAsTheirFormulasSay) {
  for (const float softcap : {0.0F, 3.0F, 50.0F}) {
    for (const bool sinks : {false, true}) {
      HeadShape shape{4, 2, 64, 16, 20};
      shape.softcap = softcap;
      shape.sinks = sinks;
      expect_near_reference(shape, 50);
    }
  }
}

}  // namespace
}  // namespace kernels_cuda_test
