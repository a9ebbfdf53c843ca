#include "runtime/engine/logit_passes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <vector>

#include "runtime/engine/logit_row_blocks.h"

namespace runtime {
namespace {

const std::array<const LogitPasses*, 2> kBoth = {&portable_logit_passes(), &logit_passes()};

TEST(LogitPasses, WeighAndSumEveryTokenToTheBitsOfTokenWeight) {
  std::mt19937_64 generator(5);
  for (int round = 0; round < 400; ++round) {
    const std::size_t count = round < 300 ? 1 + generator() % kLogitBlock : kLogitBlock;
    const float width = std::array<float, 4>{0.0F, 3.0F, 30.0F, 3e38F}[generator() % 4];
    std::vector<float> logits(count);
    for (float& logit : logits) logit = width * (static_cast<float>(generator() % 2001) / 1000 - 1);
    if (round % 7 == 0) logits.back() = -std::numeric_limits<float>::infinity();  // barred
    const double max = static_cast<double>(*std::ranges::max_element(logits)) + (round % 3) * 0.25;
    if (max < -1e30) continue;  // all of it barred
    const double beta = std::array<double, 4>{1, 1 / 0.7, 0.01, 7e44}[generator() % 4];
    for (const LogitPasses* const passes : kBoth) {
      std::vector<TokenWeight> weights(count, 12345);
      const TokenWeight sum =
          passes->weigh_block({logits.data(), count, max, beta}, weights.data());
      TokenWeight expected_sum = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const TokenWeight expected = token_weight((max - static_cast<double>(logits[i])) * beta);
        ASSERT_EQ(weights[i], expected) << "round " << round << ", logit " << logits[i];
        expected_sum += expected;
      }
      ASSERT_EQ(sum, expected_sum);
      const float floor = logits[generator() % count];
      const TokenWeight least = weights[generator() % count];
      TokenWeight sum_from = 0;
      for (std::size_t i = 0; i < count; ++i) {
        if (logits[i] >= floor && weights[i] >= least) sum_from += weights[i];
      }
      ASSERT_EQ(passes->sum_from({logits.data(), count, max, beta}, weights.data(), floor, least),
                sum_from);
    }
  }
}

TEST(LogitPasses, FindBucketsInTheOrderOfLogits) {
  std::mt19937_64 generator(8);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> logits(1 + generator() % kLogitBlock);
    for (float& logit : logits) logit = static_cast<float>(generator() % 1000) / 16 - 60;
    if (round % 5 == 0) logits[0] = -std::numeric_limits<float>::infinity();
    if (round % 5 == 1) logits[0] = std::numeric_limits<float>::lowest();
    const LogitScale scale = {round % 5 == 1 ? std::numeric_limits<float>::max() : 3.0F,
                              std::array<float, 3>{0.7F, 64, 1e30F}[generator() % 3], 4096};
    for (const LogitPasses* const passes : kBoth) {
      std::vector<std::uint32_t> buckets(logits.size());
      passes->find_buckets({logits.data(), logits.size(), 0, 1}, scale, buckets.data());
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const float place = std::min((scale.largest - logits[i]) * scale.scale, 4096.0F);
        ASSERT_EQ(buckets[i], static_cast<std::uint32_t>(place)) << logits[i];
      }
    }
  }
}

TEST(LogitPasses, FindTheLargestOfEachBlock) {
  std::mt19937_64 generator(6);
  for (std::size_t count = 1; count < 1200; count += 37) {
    std::vector<float> logits(count);
    for (float& logit : logits) logit = static_cast<float>(generator() % 100'000) - 90'000;
    for (const LogitPasses* const passes : kBoth) {
      std::vector<float> maxima(logit_blocks(count));
      EXPECT_TRUE(passes->find_maxima(logits, maxima.data()));
      for (std::size_t block = 0; block < maxima.size(); ++block) {
        const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(block * kLogitBlock);
        const auto end = logits.begin() +
                         static_cast<std::ptrdiff_t>(std::min((block + 1) * kLogitBlock, count));
        EXPECT_EQ(maxima[block], *std::max_element(begin, end));
      }
    }
  }
}

TEST(LogitPasses, SeeALogitThatIsNotFiniteWhereverItStands) {
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> maxima(3);
  for (const LogitPasses* const passes : kBoth) {
    for (const float bad : {inf, -inf, std::nanf(""), -std::nanf("")}) {
      for (std::size_t place = 0; place < 600; ++place) {
        std::vector<float> logits(600, std::numeric_limits<float>::lowest());
        logits[place] = bad;
        EXPECT_FALSE(passes->find_maxima(logits, maxima.data())) << bad << " at " << place;
      }
    }
    const std::vector<float> extreme = {std::numeric_limits<float>::max(), -0.0F,
                                        std::numeric_limits<float>::lowest()};
    EXPECT_TRUE(passes->find_maxima(extreme, maxima.data()));
  }
}

TEST(LogitRowBlocks, ItsFloorHasEnoughLogitsAbove) {
  std::mt19937_64 generator(7);
  std::vector<float> logits(3000);
  for (float& logit : logits) logit = static_cast<float>(generator() % 500);
  LogitRowBlocks row(logits.size());
  ASSERT_TRUE(row.scan(logits));
  for (std::size_t count = 1; count <= 20; ++count) {
    const float floor = row.floor_of_largest(count);
    std::size_t above = 0;
    row.for_each_from(floor, [&](TokenId, float) { ++above; });
    EXPECT_GE(above, count);
    EXPECT_EQ(static_cast<std::ptrdiff_t>(above),
              std::ranges::count_if(logits, [floor](float x) { return x >= floor; }));
  }
  EXPECT_LT(row.floor_of_largest(13), 0) << "twelve blocks cannot tell";
}

}  // namespace
}  // namespace runtime
