#include "kernels/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace {

// The value of a binary16, from its definition (IEEE 754-2019, section 3.4).
double value_of_f16(unsigned bits) {
  const unsigned exponent = (bits >> 10U) & 31U;
  const double fraction = static_cast<double>(bits & 1023U);
  const double magnitude = exponent == 0
                               ? std::ldexp(fraction, -24)
                               : std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
  return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
}

TEST(Half, ConvertsEveryBinary16Exactly) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float actual = kernels::f16_to_f32(static_cast<std::uint16_t>(bits));
    if ((bits & 0x7fffU) > 0x7c00U) {
      ASSERT_TRUE(std::isnan(actual)) << bits;
    } else if ((bits & 0x7fffU) == 0x7c00U) {
      ASSERT_EQ(actual, (bits & 0x8000U) != 0 ? -INFINITY : INFINITY);
    } else {
      ASSERT_EQ(static_cast<double>(actual), value_of_f16(bits)) << bits;
      ASSERT_EQ(std::signbit(actual), (bits & 0x8000U) != 0) << bits;
    }
  }
}

TEST(Half, ComesBackFromFloatUnchangedForEveryBinary16) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const std::uint16_t back =
        kernels::f32_to_f16(kernels::f16_to_f32(static_cast<std::uint16_t>(bits)));
    const unsigned quiet = (bits & 0x7fffU) > 0x7c00U ? 0x200U : 0U;
    ASSERT_EQ(back, bits | quiet);
  }
}

// Between every two neighbours: just below, at, and just above the midpoint.
TEST(Half, RoundsToNearestAndTiesToEven) {
  for (unsigned bits = 0; bits < 0x7bffU; ++bits) {
    const float below = kernels::f16_to_f32(static_cast<std::uint16_t>(bits));
    const float above = kernels::f16_to_f32(static_cast<std::uint16_t>(bits + 1));
    const float middle = (below + above) / 2;
    ASSERT_EQ(kernels::f32_to_f16(std::nextafterf(middle, 0.0F)), bits);
    ASSERT_EQ(kernels::f32_to_f16(std::nextafterf(middle, INFINITY)), bits + 1);
    ASSERT_EQ(kernels::f32_to_f16(middle), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(kernels::f32_to_f16(-middle), 0x8000U | (bits % 2 == 0 ? bits : bits + 1));
  }
  EXPECT_EQ(kernels::f32_to_f16(65519.0F), 0x7bffU);
  EXPECT_EQ(kernels::f32_to_f16(65520.0F), 0x7c00U) << "halfway to the next, were there one";
  EXPECT_EQ(kernels::f32_to_f16(1e-10F), 0U);
}

TEST(BFloat16, ConvertsEveryValueExactlyAndBack) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float value = kernels::bf16_to_f32(static_cast<std::uint16_t>(bits));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(value), bits << 16U);
    const unsigned quiet = (bits & 0x7fffU) > 0x7f80U ? 0x40U : 0U;
    ASSERT_EQ(kernels::f32_to_bf16(value), bits | quiet);
  }
}

TEST(BFloat16, RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(kernels::f32_to_bf16(std::bit_cast<float>(0x3f808000U)), 0x3f80U);
  EXPECT_EQ(kernels::f32_to_bf16(std::bit_cast<float>(0x3f808001U)), 0x3f81U);
  EXPECT_EQ(kernels::f32_to_bf16(std::bit_cast<float>(0x3f818000U)), 0x3f82U);
  EXPECT_EQ(kernels::f32_to_bf16(std::bit_cast<float>(0x7f7fffffU)), 0x7f80U);
}

}  // namespace
