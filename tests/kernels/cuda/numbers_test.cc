// The conversions kernels use, on the host, against kernels/half.h.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "kernels/cuda/portable/portable.h"
#include "kernels/half.h"

namespace kernels::cuda {
namespace {

std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

TEST(Numbers, EverySixteenBitPatternBecomesTheFloatHalfHHas) {
  for (std::uint32_t i = 0; i < 0x10000U; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float f16 = f16_to_f32(bits);
    if (std::isnan(f16))
      EXPECT_EQ(bits_of(from_f16(bits)), 0x7fffffffU) << i;
    else
      EXPECT_EQ(bits_of(from_f16(bits)), bits_of(f16)) << i;
    EXPECT_EQ(bits_of(from_bf16(bits)), i << 16U);
  }
}

void expect_rounded(float value) {
  if (std::isnan(value)) {
    EXPECT_EQ(to_bf16(value), 0x7fffU);
    EXPECT_EQ(to_f16(value), 0x7fffU);
    return;
  }
  EXPECT_EQ(to_bf16(value), f32_to_bf16(value)) << value;
  std::uint16_t f16 = f32_to_f16(value);
  if ((f16 & 0x7fffU) == 0x7c00U) f16 = static_cast<std::uint16_t>(f16 - 1U);  // saturated
  EXPECT_EQ(to_f16(value), f16) << value;
  EXPECT_EQ(pack_bf16(value, 1.0F), 0x3f800000U | to_bf16(value));
  EXPECT_EQ(pack_f16(1.0F, value), 0x3c00U | static_cast<std::uint32_t>(to_f16(value)) << 16U);
}

TEST(Numbers, FloatsAreRoundedToNearestEvenAndSaturatedInBinary16) {
  std::mt19937 random(7);
  for (int i = 0; i < 300000; ++i)
    expect_rounded(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
  // Around every binary16: itself, the ties beside it, and their neighbours.
  for (std::uint32_t i = 0; i < 0x10000U; ++i) {
    const std::uint32_t exact = bits_of(from_f16(static_cast<std::uint16_t>(i)));
    for (const std::uint32_t offset : {0U, 0xfffU, 0x1000U, 0x1001U, 0x7fffU, 0x8000U, 0x8001U})
      expect_rounded(std::bit_cast<float>(exact + offset));
  }
  std::uniform_int_distribution<std::uint32_t> small(0x32000000U, 0x39000000U);
  for (int i = 0; i < 300000; ++i) expect_rounded(std::bit_cast<float>(small(random)));
}

TEST(Numbers, EveryE4m3IsItsFormulasValue) {
  for (unsigned code = 0; code < 256; ++code) {
    const float value = from_e4m3(static_cast<std::uint8_t>(code));
    const int exponent = static_cast<int>(code >> 3U & 15U);
    const int fraction = static_cast<int>(code & 7U);
    if (exponent == 15 && fraction == 7) {
      EXPECT_TRUE(std::isnan(value));
      continue;
    }
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8 + fraction, exponent - 10);
    EXPECT_EQ(static_cast<double>(value), code < 128 ? magnitude : -magnitude) << code;
    EXPECT_EQ(std::signbit(value), code >= 128) << code;
  }
}

TEST(Numbers, TheMaximumOfANanIsANanAndOfZerosThePositiveOne) {
  EXPECT_TRUE(std::isnan(maximum(NAN, 1.0F)));
  EXPECT_TRUE(std::isnan(maximum(-INFINITY, -NAN)));
  EXPECT_EQ(maximum(-INFINITY, -3.0F), -3.0F);
  EXPECT_FALSE(std::signbit(maximum(0.0F, -0.0F)));
  EXPECT_FALSE(std::signbit(maximum(-0.0F, 0.0F)));
  EXPECT_TRUE(std::signbit(maximum(-0.0F, -0.0F)));
}

TEST(Numbers, ThePowerOfTwoFlushesSubnormalResults) {
  EXPECT_EQ(exp2_fast(3.0F), 8.0F);
  EXPECT_EQ(exp2_fast(-126.0F), 0x1p-126F);
  EXPECT_EQ(exp2_fast(-126.5F), 0.0F);
  EXPECT_EQ(exp2_fast(-INFINITY), 0.0F);
  EXPECT_TRUE(std::isnan(exp2_fast(NAN)));
}

}  // namespace
}  // namespace kernels::cuda
