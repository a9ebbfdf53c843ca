#include "bench/load/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace bench {
namespace {

TEST(Arrivals, KeepTheRateOnAverage) {
  const auto times = plan_arrivals({.rate = 50, .count = 20'000});
  ASSERT_EQ(times.size(), 20'000U);
  // The sum of 20,000 exponential distances: its deviation is 1 / sqrt(20,000) of the mean.
  EXPECT_NEAR(static_cast<double>(times.back()) * 1e-9, 400, 400 * 5 / std::sqrt(20'000.0));
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
}

TEST(Arrivals, DistancesAreExponential) {
  const auto times = plan_arrivals({.rate = 1000, .count = 50'000, .seed = 3});
  std::size_t longer_than_mean = 0;
  for (std::size_t i = 1; i < times.size(); ++i)
    longer_than_mean += times[i] - times[i - 1] > 1'000'000 ? 1U : 0U;
  EXPECT_NEAR(static_cast<double>(longer_than_mean) / 50'000, std::exp(-1.0), 0.01);
}

TEST(Arrivals, BurstsStartTogetherAndKeepTheRate) {
  const auto times = plan_arrivals({.rate = 100, .count = 10'000, .burst = 8});
  const std::set<std::int64_t> distinct(times.begin(), times.end());
  EXPECT_EQ(distinct.size(), 10'000U / 8);
  EXPECT_EQ(times[0], times[7]);
  EXPECT_LT(times[7], times[8]);
  EXPECT_NEAR(static_cast<double>(times.back()) * 1e-9, 100, 100 * 5 / std::sqrt(1'250.0));
}

TEST(Arrivals, TheLastBurstIsCutToTheCount) {
  EXPECT_EQ(plan_arrivals({.rate = 1, .count = 11, .burst = 4}).size(), 11U);
}

TEST(Arrivals, FollowFromTheSeed) {
  const ArrivalPlan plan{.rate = 10, .count = 100, .seed = 9};
  EXPECT_EQ(plan_arrivals(plan), plan_arrivals(plan));
  EXPECT_NE(plan_arrivals(plan), plan_arrivals({.rate = 10, .count = 100, .seed = 10}));
}

}  // namespace
}  // namespace bench
