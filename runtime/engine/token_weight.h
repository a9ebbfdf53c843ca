// Probabilities as integers: exp(-x) in units of 2^-42.
//
// Sums of integers are exact, so they come out the same in any order: the nucleus of top_p may be
// found by histograms instead of a sorted list, and the result is still defined to the last bit. A
// token less likely than 2^-42 times the most likely one has weight zero and is never drawn.
#ifndef RUNTIME_ENGINE_TOKEN_WEIGHT_H_
#define RUNTIME_ENGINE_TOKEN_WEIGHT_H_

#include <bit>
#include <cstdint>

#include "runtime/engine/limits.h"

namespace runtime {

using TokenWeight = std::uint64_t;
inline constexpr int kTokenWeightBits = 42;
inline constexpr TokenWeight kTokenWeightMax = TokenWeight{1} << kTokenWeightBits;
static_assert(limits::kSampledVocabularyMax <= UINT64_MAX / kTokenWeightMax);

inline constexpr double kTokenWeightLn2 = 0.69314718055994530942;
inline constexpr double kTokenWeightXMax = 43 * kTokenWeightLn2;  // from here on weights are zero
inline constexpr double kTokenWeightTerms[] = {
    1.0,       1.0,        1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,
    1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800};

// A double this large has no digits behind the point, and the integer in its last bits: adding it
// rounds to the nearest, ties to even, on every processor and in every register.
inline constexpr double kTokenWeightUnit = 0x1p52;

// 2^42 * exp(-x), rounded to an integer, for x >= 0 (infinity included). Our own exponential, from
// additions and multiplications alone: that of the C library differs between processors in the last
// bit. logit_passes.cc takes the same steps for many at a time.
//   exp(-x) = 2^-n * exp(r),  n = round(x / ln 2),  r = n ln 2 - x,  |r| <= ln 2 / 2
// with the Taylor polynomial of degree 11, whose error is below 2^-47 there.
inline TokenWeight token_weight(double x) {
  if (!(x < kTokenWeightXMax)) return 0;
  const double n_unit = x * (1 / kTokenWeightLn2) + kTokenWeightUnit;
  const double r = (n_unit - kTokenWeightUnit) * kTokenWeightLn2 - x;
  double sum = kTokenWeightTerms[11];
  for (int i = 10; i >= 0; --i) sum = sum * r + kTokenWeightTerms[i];
  const std::uint64_t n = std::bit_cast<std::uint64_t>(n_unit) & 63;
  const double scale = std::bit_cast<double>((1023 + kTokenWeightBits - n) << 52);
  return std::bit_cast<TokenWeight>(sum * scale + kTokenWeightUnit) & ((TokenWeight{1} << 52) - 1);
}

}  // namespace runtime

#endif  // RUNTIME_ENGINE_TOKEN_WEIGHT_H_
