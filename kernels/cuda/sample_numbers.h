// The arithmetic of runtime's Sampler, restated for kernels (kernels/ includes nothing of
// runtime/).
//   token_weight   runtime/engine/token_weight.h    probabilities as integers, in units of 2^-42
//   order_key      runtime/engine/candidate_cut.h   logits as integers of the same order
//   random_bits    runtime/engine/philox.h          Philox4x32-10 (Salmon et al. 2011, section 3.3)
//   the shares     runtime/engine/sampler.cc        share_of, scale_bits, smallest_weight
// Every double is made by the same additions and multiplications, each rounded once (-fmad=false,
// -ffp-contract=off), so every weight has the same bits. tests/kernels/cuda/sample_test.cc holds
// the two against each other.
#ifndef KERNELS_CUDA_SAMPLE_NUMBERS_H_
#define KERNELS_CUDA_SAMPLE_NUMBERS_H_

#include <bit>
#include <cstdint>

#include "kernels/cuda/portable/portable.h"
#include "kernels/ops.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

inline constexpr int kTokenWeightBits = 42;
inline constexpr std::uint64_t kTokenWeightMax = std::uint64_t{1} << kTokenWeightBits;
inline constexpr double kTokenWeightLn2 = 0.69314718055994530942;
inline constexpr double kTokenWeightXMax = 43 * kTokenWeightLn2;  // from here on weights are zero
inline constexpr double kTokenWeightUnit = 0x1p52;

// 2^42 * exp(-x), rounded to an integer, for x >= 0: the Taylor polynomial of degree 11, highest
// term first.
KERNELS_DEVICE std::uint64_t token_weight(double x) {
  if (!(x < kTokenWeightXMax)) return 0;
  const double n_unit = x * (1 / kTokenWeightLn2) + kTokenWeightUnit;
  const double r = (n_unit - kTokenWeightUnit) * kTokenWeightLn2 - x;
  double sum = 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 1.0 / 2;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  const std::uint64_t n = std::bit_cast<std::uint64_t>(n_unit) & 63;
  const double scale = std::bit_cast<double>((1023 + kTokenWeightBits - n) << 52);
  return std::bit_cast<std::uint64_t>(sum * scale + kTokenWeightUnit) &
         ((std::uint64_t{1} << 52) - 1);
}

// Ascends as logits descend: the best has the lowest. Both zeros are one. Not for NaN.
KERNELS_DEVICE std::uint32_t rank_of(float logit) {
  const auto bits = std::bit_cast<std::uint32_t>(logit + 0.0F);
  return (bits & 0x80000000U) != 0 ? bits : ~(bits | 0x80000000U);
}
KERNELS_DEVICE float logit_of(std::uint32_t rank) {
  return std::bit_cast<float>((rank & 0x80000000U) != 0 ? rank : ~rank & 0x7FFFFFFFU);
}

// An exponent of all ones is infinity or NaN.
KERNELS_DEVICE bool is_finite(float x) {
  return (std::bit_cast<std::uint32_t>(x) & 0x7FFFFFFFU) <= 0x7F7FFFFFU;
}

KERNELS_DEVICE std::uint64_t random_bits(std::uint64_t seed, std::uint32_t choice,
                                         std::uint32_t position) {
  std::uint32_t counter[4] = {position, 0, choice, 0};
  std::uint32_t key[2] = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter[0] = static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0];
    counter[1] = static_cast<std::uint32_t>(product1);
    counter[2] = static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1];
    counter[3] = static_cast<std::uint32_t>(product0);
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter[0] | (std::uint64_t{counter[1]} << 32);
}

// The smallest integer that is not below x, for 0 <= x < 2^63. 2^53 and more are integers already.
KERNELS_DEVICE std::uint64_t round_up(double x) {
  const auto whole = static_cast<std::uint64_t>(x);
  return static_cast<double>(whole) < x ? whole + 1 : whole;
}

// The share `p` of a sum of weights, at least 1 and no more than all.
KERNELS_DEVICE std::uint64_t share_of(std::uint64_t total, float p) {
  const std::uint64_t share = round_up(static_cast<double>(p) * static_cast<double>(total));
  return share < 1 ? 1 : share > total ? total : share;
}

KERNELS_DEVICE std::uint64_t smallest_weight(float min_p) {
  return round_up(static_cast<double>(min_p) * static_cast<double>(kTokenWeightMax));
}

// The upper half of the product: 64 random bits scaled to 0 … total - 1.
KERNELS_DEVICE std::uint64_t scale_bits(std::uint64_t bits, std::uint64_t total) {
  const std::uint64_t a0 = bits & 0xFFFFFFFFU;
  const std::uint64_t a1 = bits >> 32;
  const std::uint64_t b0 = total & 0xFFFFFFFFU;
  const std::uint64_t b1 = total >> 32;
  const std::uint64_t middle = (a0 * b0 >> 32) + (a1 * b0 & 0xFFFFFFFFU);
  const std::uint64_t other = (middle & 0xFFFFFFFFU) + (a0 * b1 & 0xFFFFFFFFU);
  return a1 * b1 + (a1 * b0 >> 32) + (a0 * b1 >> 32) + (middle >> 32) + (other >> 32);
}

}  // inline namespace
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_SAMPLE_NUMBERS_H_
