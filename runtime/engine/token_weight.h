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

// floor(2^42 * exp(-x)), for x >= 0 (infinity included). Our own exponential, from additions and
// multiplications alone: that of the C library differs between processors in the last bit.
//   exp(-x) = 2^-n * exp(r),  n = round(x / ln 2),  r = n ln 2 - x,  |r| <= ln 2 / 2
// with the Taylor polynomial of degree 11, whose error is below 2^-47 there.
inline TokenWeight token_weight(double x) {
  constexpr double kLn2 = 0.69314718055994530942;
  constexpr double kXMax = 43 * kLn2;
  constexpr double kInverseFactorials[] = {
      1.0,       1.0,        1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,
      1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800};
  if (!(x < kXMax)) return 0;
  const auto n = static_cast<std::int64_t>(x * (1 / kLn2) + 0.5);
  const double r = static_cast<double>(n) * kLn2 - x;
  double sum = kInverseFactorials[11];
  for (int i = 10; i >= 0; --i) sum = sum * r + kInverseFactorials[i];
  const auto exponent = static_cast<std::uint64_t>(1023 + kTokenWeightBits - n);
  return static_cast<TokenWeight>(sum * std::bit_cast<double>(exponent << 52));
}

}  // namespace runtime

#endif  // RUNTIME_ENGINE_TOKEN_WEIGHT_H_
