// exp of the lanes, tested on the plain lanes; the other lanes equal them bit
// for bit (see the linear and attention tests).
#include "kernels/cpu/vector_math.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/cpu/lanes_plain.h"

namespace {

using kernels::cpu::PlainLanes;

float exp_of(float x) {
  return kernels::cpu::exp<PlainLanes>(PlainLanes::broadcast(x)).v[0];
}

TEST(VectorExp, IsWithinTwoUnitsInTheLastPlace) {
  double worst = 0;
  for (float x = -87.3F; x < 88.3F; x += 0.00237F) {
    const double expected = std::exp(static_cast<double>(x));
    const float rounded = static_cast<float>(expected);
    const double unit =
        static_cast<double>(std::nextafterf(rounded, INFINITY)) - static_cast<double>(rounded);
    worst = std::max(worst, std::fabs(static_cast<double>(exp_of(x)) - expected) / unit);
  }
  EXPECT_LE(worst, 2.0);
}

TEST(VectorExp2, IsWithinTwoAndAHalfUnitsInTheLastPlace) {
  const auto exp2_of = [](float x) {
    return kernels::cpu::exp2_of_negative<PlainLanes>(PlainLanes::broadcast(x)).v[7];
  };
  double worst = 0;
  for (float x = -126.0F; x <= 0.0F; x += 0.00137F) {
    const double expected = std::exp2(static_cast<double>(x));
    const float rounded = static_cast<float>(expected);
    const double unit =
        static_cast<double>(std::nextafterf(rounded, INFINITY)) - static_cast<double>(rounded);
    worst = std::max(worst, std::fabs(static_cast<double>(exp2_of(x)) - expected) / unit);
  }
  EXPECT_LE(worst, 2.5);
  EXPECT_EQ(exp2_of(0.0F), 1.0F);
  EXPECT_EQ(exp2_of(-1.0F), 0.5F);
  EXPECT_EQ(exp2_of(-127.0F), std::exp2(-126.0F));
  EXPECT_EQ(exp2_of(-INFINITY), std::exp2(-126.0F));
  EXPECT_TRUE(std::isnan(exp2_of(std::nanf(""))));
}

TEST(VectorExp, IsExactAtZeroAndSaneOutsideItsRange) {
  EXPECT_EQ(exp_of(0.0F), 1.0F);
  EXPECT_EQ(exp_of(-0.0F), 1.0F);
  EXPECT_EQ(exp_of(-88.0F), 0.0F);
  EXPECT_EQ(exp_of(-INFINITY), 0.0F);
  EXPECT_EQ(exp_of(1000.0F), exp_of(88.3F));
  EXPECT_TRUE(std::isnan(exp_of(std::nanf(""))));
}

TEST(Silu, IsNearItsFormulaAndTendsToZeroAndToItsInput) {
  const auto silu = [](float z) {
    return kernels::cpu::silu<PlainLanes>(PlainLanes::broadcast(z)).v[3];
  };
  for (float z = -30; z < 30; z += 0.013F) {
    const double expected = static_cast<double>(z) / (1 + std::exp(-static_cast<double>(z)));
    ASSERT_NEAR(silu(z), expected, std::fabs(expected) * 4e-7 + 1e-30) << z;
  }
  EXPECT_NEAR(silu(-1000.0F), 0.0F, 1e-30F);
  EXPECT_EQ(silu(1000.0F), 1000.0F);
}

}  // namespace
