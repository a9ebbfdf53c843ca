// Finds where a list of candidates, best first, is to be cut, without sorting it.
//
// The order is: larger logit first, lower token id among equals. cut() gives the end of the
// shortest beginning of that order whose weights sum up to a target. Logits become integers of the
// same order, whose digits are taken from the top by histograms: three passes over the candidates
// and one over the ties, however many there are. With weight 1 for each this finds the k best.
#ifndef RUNTIME_ENGINE_CANDIDATE_CUT_H_
#define RUNTIME_ENGINE_CANDIDATE_CUT_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hardening/base/check.h"
#include "runtime/token.h"

namespace runtime {

// Unsigned integers in the order of the floats; both zeros are one. Not for NaN.
inline std::uint32_t order_key(float logit) {
  const auto bits = std::bit_cast<std::uint32_t>(logit + 0.0F);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

// The logit of a key (of both zeros: the positive one).
inline float order_key_logit(std::uint32_t key) {
  return std::bit_cast<float>((key & 0x80000000U) != 0 ? key & 0x7FFFFFFFU : ~key);
}

// The last candidate that is kept.
struct CandidateCut {
  std::uint32_t key = 0;
  TokenId token = 0;

  bool keeps(std::uint32_t other_key, TokenId other) const {
    return other_key > key || (other_key == key && other <= token);
  }
};

class CandidateCutter {
 public:
  CandidateCutter() : sums_(std::size_t{1} << kDigitBits[0]) {}

  // `candidates` has size(), key(i), weight(i) and token(i), tokens ascending with i. Requires
  // 1 <= target <= the sum of all weights.
  template <typename Candidates>
  CandidateCut cut(const Candidates& candidates, std::uint64_t target) {
    std::uint32_t prefix = 0;
    int shift = 32;
    for (const int bits : kDigitBits) {
      sum_digits(candidates, prefix, shift, bits);
      const std::uint32_t digit = find_digit(bits, target);
      shift -= bits;
      prefix = (prefix << bits) | digit;
    }
    return {prefix, last_tie(candidates, prefix, target)};
  }

 private:
  static constexpr std::array<int, 3> kDigitBits = {11, 11, 10};

  // Sums weights by the digit below `shift`, of the candidates that have `prefix` above it.
  template <typename Candidates>
  void sum_digits(const Candidates& candidates, std::uint32_t prefix, int shift, int bits) {
    sums_.assign(sums_.size(), 0);
    const std::uint32_t mask = (1U << bits) - 1;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const std::uint32_t key = candidates.key(i);
      if (shift < 32 && (key >> shift) != prefix) continue;
      sums_[(key >> (shift - bits)) & mask] += candidates.weight(i);
    }
  }

  // The digit at which the sum, from the largest digit down, reaches the target; takes what is
  // above it off the target.
  std::uint32_t find_digit(int bits, std::uint64_t& target) const {
    std::uint32_t digit = (1U << bits) - 1;
    while (sums_[digit] < target) {
      CHECK(digit > 0);
      target -= sums_[digit];
      --digit;
    }
    return digit;
  }

  template <typename Candidates>
  static TokenId last_tie(const Candidates& candidates, std::uint32_t key, std::uint64_t target) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (candidates.key(i) != key) continue;
      sum += candidates.weight(i);
      if (sum >= target) return candidates.token(i);
    }
    CHECK(false);
  }

  std::vector<std::uint64_t> sums_;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_CANDIDATE_CUT_H_
