#include "bench/statistics.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

TEST(Statistics, PercentileIsTheNearestRankAndSoAlwaysASample) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  EXPECT_EQ(percentile(values, 0.5), 50);
  EXPECT_EQ(percentile(values, 0.95), 95);
  EXPECT_EQ(percentile(values, 0.99), 99);
  EXPECT_EQ(percentile(values, 1.0), 100);
  EXPECT_EQ(percentile(values, 0), 1);
}

TEST(Statistics, PercentileOfFewSamplesIsTheLargest) {
  EXPECT_EQ(percentile({7, 3}, 0.95), 7);
  EXPECT_EQ(percentile({7}, 0.5), 7);
  EXPECT_EQ(percentile({}, 0.5), 0);
}

TEST(Statistics, MedianOfAnEvenCountIsBetweenTheMiddleTwo) {
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({9, 1, 5}), 5);
}

}  // namespace
}  // namespace bench
