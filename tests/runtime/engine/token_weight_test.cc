#include "runtime/engine/token_weight.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace runtime {
namespace {

TEST(TokenWeight, IsTheExponentialFunction) {
  for (int i = 0; i < 4000; ++i) {
    const double x = i * 0.0075;
    const double exact = std::exp(-x) * 0x1p42;
    EXPECT_NEAR(static_cast<double>(token_weight(x)), exact, 0.51 + exact * 1e-14) << x;
  }
}

TEST(TokenWeight, IsWholeAtZeroAndNothingFarAway) {
  EXPECT_EQ(token_weight(0), kTokenWeightMax);
  EXPECT_EQ(token_weight(29), 1U);
  EXPECT_EQ(token_weight(29.5), 1U) << "0.65, rounded";
  EXPECT_EQ(token_weight(29.81), 0U);
  EXPECT_EQ(token_weight(1e300), 0U);
  EXPECT_EQ(token_weight(std::numeric_limits<double>::infinity()), 0U);
}

TEST(TokenWeight, NeverGrows) {
  TokenWeight last = kTokenWeightMax;
  for (int i = 0; i < 300'000; ++i) {
    const TokenWeight weight = token_weight(i * 1e-4);
    ASSERT_LE(weight, last);
    last = weight;
  }
}

}  // namespace
}  // namespace runtime
