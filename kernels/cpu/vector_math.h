// Functions of sixteen lanes that every ISA computes by the same steps: exp, silu, and the
// fixed-order reductions.
#ifndef KERNELS_CPU_VECTOR_MATH_H_
#define KERNELS_CPU_VECTOR_MATH_H_

#include <cstddef>

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

// e^x within 2 ulp for x in [-87.3, 88.3]; zero below,
// e^88.3 above, NaN for NaN. exp(0) is exactly 1.
//
// x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two parts, Cody and Waite 1980), e^r by its Taylor
// polynomial of degree 7 (truncation below 6e-9), times 2^n. Adding 1.5 * 2^23 rounds n to an
// integer and leaves it in the low bits of the float.
template <typename L>
KERNELS_INLINE typename L::F exp(typename L::F x) {
  const auto lowest = L::broadcast(-87.33F);
  const auto shift = L::broadcast(12582912.0F);
  const auto clamped = L::max(lowest, L::min(L::broadcast(88.3F), x));
  const auto shifted = L::fma(clamped, L::broadcast(1.44269504F), shift);
  const auto n = L::sub(shifted, shift);
  auto r = L::fma(n, L::broadcast(-0.693359375F), clamped);
  r = L::fma(n, L::broadcast(2.12194440e-4F), r);
  auto p = L::broadcast(1.0F / 5040);
  p = L::fma(p, r, L::broadcast(1.0F / 720));
  p = L::fma(p, r, L::broadcast(1.0F / 120));
  p = L::fma(p, r, L::broadcast(1.0F / 24));
  p = L::fma(p, r, L::broadcast(1.0F / 6));
  p = L::fma(p, r, L::broadcast(0.5F));
  p = L::fma(p, r, L::broadcast(1.0F));
  p = L::fma(p, r, L::broadcast(1.0F));
  return L::zero_below(L::mul(p, L::power_of_two(shifted)), x, lowest);
}

// 2^x within 2.5 ulp for x in [-126, 0]; 2^-126 below, NaN for NaN. 2^0 is exactly 1.
//
// x = n + r with |r| <= 1/2, exactly; 2^r by a polynomial of degree 5 that is 1 at 0 and has the
// smallest largest relative error (1e-7; found by reweighted least squares), times 2^n.
template <typename L>
KERNELS_INLINE typename L::F exp2_of_negative(typename L::F x) {
  const auto clamped = L::max(L::broadcast(-126.0F), x);
  const auto power = L::nearest_power(clamped);
  auto p = L::broadcast(1.326472668e-3F);
  p = L::fma(p, power.rest, L::broadcast(9.671512677e-3F));
  p = L::fma(p, power.rest, L::broadcast(5.550733745e-2F));
  p = L::fma(p, power.rest, L::broadcast(0.2402224208F));
  p = L::fma(p, power.rest, L::broadcast(0.6931469776F));
  p = L::fma(p, power.rest, L::broadcast(1.0F));
  return L::times_power(p, power);
}

template <typename L>
KERNELS_INLINE typename L::F silu(typename L::F z) {
  const auto denominator = L::add(L::broadcast(1.0F), exp<L>(L::sub(L::zero(), z)));
  return L::div(z, denominator);
}

// The sum of the lanes, halves first: lane i plus lane i + 8, then + 4, + 2, + 1.
template <typename L>
KERNELS_INLINE float sum_lanes(typename L::F x) {
  return L::sum_by_halves(x);
}

template <typename L>
KERNELS_INLINE float max_lanes(typename L::F x) {
  return L::max_by_halves(x);
}

// Lanes of x[at …] that are below count; zeros after.
template <typename L>
KERNELS_INLINE typename L::F load_within(const float* x, std::size_t at, std::size_t count) {
  return count - at >= kLanes ? L::load(x + at) : L::load_part(x + at, count - at);
}

// 1 / sqrt(mean(x^2) + eps). Element k goes to lane k % 16
// of sum k / 16 % 4; the four sums are added in pairs.
template <typename L>
KERNELS_INLINE float inverse_rms(const float* x, std::size_t count, float eps) {
  typename L::F sums[4] = {L::zero(), L::zero(), L::zero(), L::zero()};
  for (std::size_t at = 0; at < count; at += kLanes) {
    const auto v = load_within<L>(x, at, count);
    auto& sum = sums[at / kLanes % 4];
    sum = L::fma(v, v, sum);
  }
  const float total = sum_lanes<L>(L::add(L::add(sums[0], sums[1]), L::add(sums[2], sums[3])));
  return 1.0F / __builtin_sqrtf(total / static_cast<float>(count) + eps);
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_VECTOR_MATH_H_
