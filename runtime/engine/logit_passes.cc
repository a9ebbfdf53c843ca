#include "runtime/engine/logit_passes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>

// Vectors of the compiler's own kind: it lowers them to the registers that a function's target has.
// They never pass through a call, whose convention would depend on the target.
#define REDOUBT_INLINE [[gnu::always_inline]] inline

namespace runtime {
namespace {

// `Bytes` wide: what the registers of a target hold.
template <std::size_t Bytes>
struct Vectors {
  using Floats [[gnu::vector_size(Bytes)]] = float;
  using Words [[gnu::vector_size(Bytes)]] = std::int32_t;
  using HalfFloats [[gnu::vector_size(Bytes / 2)]] = float;
  using Doubles [[gnu::vector_size(Bytes)]] = double;
  using Longs [[gnu::vector_size(Bytes)]] = std::int64_t;
  using Bits [[gnu::vector_size(Bytes)]] = std::uint64_t;
};

// An exponent of all ones is infinity or NaN.
constexpr std::int32_t kMagnitude = 0x7FFFFFFF;
constexpr std::int32_t kLargestFinite = 0x7F7FFFFF;

bool is_finite(float x) {
  return (std::bit_cast<std::int32_t>(x) & kMagnitude) <= kLargestFinite;
}

template <std::size_t Bytes>
REDOUBT_INLINE bool find_maxima_in(std::span<const float> logits, float* maxima) {
  using V = Vectors<Bytes>;
  constexpr std::size_t kLanes = Bytes / sizeof(float);
  typename V::Words bad{};
  const std::size_t whole = logits.size() / kLogitBlock;
  for (std::size_t block = 0; block < whole; ++block) {
    const float* from = logits.data() + block * kLogitBlock;
    typename V::Floats largest;
    std::memcpy(&largest, from, sizeof largest);
    for (std::size_t i = 0; i < kLogitBlock; i += kLanes) {
      typename V::Floats x;
      typename V::Words bits;
      std::memcpy(&x, from + i, sizeof x);
      std::memcpy(&bits, from + i, sizeof bits);
      largest = x > largest ? x : largest;
      bad |= (bits & kMagnitude) > kLargestFinite;
    }
    float most = largest[0];
    for (std::size_t l = 1; l < kLanes; ++l) most = std::max(most, largest[l]);
    maxima[block] = most;
  }
  bool finite = true;
  for (std::size_t l = 0; l < kLanes; ++l) finite = finite && bad[l] == 0;
  const std::span<const float> rest = logits.subspan(whole * kLogitBlock);
  if (rest.empty()) return finite;
  maxima[whole] = *std::max_element(rest.begin(), rest.end());
  return finite && std::all_of(rest.begin(), rest.end(), is_finite);
}

// The polynomial of token_weight(), 2^42 times as large: a power of two changes no rounding.
constexpr auto kScaledTerms = [] {
  std::array<double, std::size(kTokenWeightTerms)> terms{};
  for (std::size_t i = 0; i < terms.size(); ++i) {
    terms[i] = kTokenWeightTerms[i] * static_cast<double>(kTokenWeightMax);
  }
  return terms;
}();

// The steps of token_weight() for `Chains` vectors side by side: each is one long chain of
// operations that wait for one another, more of them than a processor looks ahead.
template <std::size_t Bytes, std::size_t Chains>
REDOUBT_INLINE void weigh_vectors(const LogitBlock& block, std::size_t first, TokenWeight* weights,
                                  typename Vectors<Bytes>::Longs& sums) {
  using V = Vectors<Bytes>;
  using Doubles = typename V::Doubles;
  using Longs = typename V::Longs;
  using Bits = typename V::Bits;
  constexpr std::size_t kLanes = Bytes / sizeof(double);
  constexpr std::int64_t kIntegerMask = (std::int64_t{1} << 52) - 1;
  Doubles x[Chains];
  Doubles n_unit[Chains];
  Doubles r[Chains];
  Doubles sum[Chains];
#pragma GCC unroll 4
  for (std::size_t c = 0; c < Chains; ++c) {
    typename V::HalfFloats logits;
    std::memcpy(&logits, block.logits + first + c * kLanes, sizeof logits);
    x[c] = (block.max - __builtin_convertvector(logits, Doubles)) * block.beta;
    n_unit[c] = x[c] * (1 / kTokenWeightLn2) + kTokenWeightUnit;
    r[c] = (n_unit[c] - kTokenWeightUnit) * kTokenWeightLn2 - x[c];
    sum[c] = kScaledTerms[11] + Doubles{};
  }
#pragma GCC unroll 16
  for (std::size_t term = 1; term < 12; ++term) {
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Chains; ++c) sum[c] = sum[c] * r[c] + kScaledTerms[11 - term];
  }
#pragma GCC unroll 4
  for (std::size_t c = 0; c < Chains; ++c) {
    // Times 2^-n, in the exponent; the shift leaves nothing else of n_unit. Where n is too large
    // for that the weight is zero anyway.
    Bits n;
    Bits scaled;
    std::memcpy(&n, &n_unit[c], sizeof n);
    std::memcpy(&scaled, &sum[c], sizeof scaled);
    scaled -= n << 52;
    Doubles rounded;
    std::memcpy(&rounded, &scaled, sizeof rounded);
    rounded += kTokenWeightUnit;
    Longs weight;
    std::memcpy(&weight, &rounded, sizeof weight);
    weight &= kIntegerMask;
    weight &= x[c] < kTokenWeightXMax;
    std::memcpy(weights + first + c * kLanes, &weight, sizeof weight);
    sums += weight;
  }
}

// `Chains` as many as there are registers for.
template <std::size_t Bytes, std::size_t Chains>
REDOUBT_INLINE TokenWeight weigh_block_in(const LogitBlock& block, TokenWeight* weights) {
  constexpr std::size_t kLanes = Bytes / sizeof(double);
  typename Vectors<Bytes>::Longs sums{};
  std::size_t i = 0;
  for (; i + Chains * kLanes <= block.count; i += Chains * kLanes) {
    weigh_vectors<Bytes, Chains>(block, i, weights, sums);
  }
  TokenWeight total = 0;
  for (std::size_t l = 0; l < kLanes; ++l) total += static_cast<TokenWeight>(sums[l]);
  for (; i < block.count; ++i) {
    weights[i] = token_weight((block.max - static_cast<double>(block.logits[i])) * block.beta);
    total += weights[i];
  }
  return total;
}

template <std::size_t Bytes>
REDOUBT_INLINE void find_buckets_in(const LogitBlock& block, const LogitScale& scale,
                                    std::uint32_t* buckets) {
  using V = Vectors<Bytes>;
  constexpr std::size_t kLanes = Bytes / sizeof(float);
  const auto last = static_cast<float>(scale.last);
  const std::size_t whole = block.count / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    typename V::Floats logits;
    std::memcpy(&logits, block.logits + i, sizeof logits);
    typename V::Floats place = (scale.largest - logits) * scale.scale;
    place = place < last ? place : last + typename V::Floats{};
    const typename V::Words bucket = __builtin_convertvector(place, typename V::Words);
    std::memcpy(buckets + i, &bucket, sizeof bucket);
  }
  for (std::size_t i = whole; i < block.count; ++i) {
    const float place = (scale.largest - block.logits[i]) * scale.scale;
    buckets[i] = place < last ? static_cast<std::uint32_t>(place) : scale.last;
  }
}

template <std::size_t Bytes>
REDOUBT_INLINE TokenWeight sum_from_in(const LogitBlock& block, const TokenWeight* weights,
                                       float floor, TokenWeight weight_min) {
  using V = Vectors<Bytes>;
  using Longs = typename V::Longs;
  using Doubles = typename V::Doubles;
  constexpr std::size_t kLanes = Bytes / sizeof(double);
  const auto least = static_cast<std::int64_t>(weight_min);
  const auto wide_floor = static_cast<double>(floor);
  const std::size_t whole = block.count / kLanes * kLanes;
  Longs sums{};
  for (std::size_t i = 0; i < whole; i += kLanes) {
    typename V::HalfFloats logits;
    std::memcpy(&logits, block.logits + i, sizeof logits);
    Longs weight;
    std::memcpy(&weight, weights + i, sizeof weight);
    // One comparison at a time: g++ 12 takes a conjunction of two apart, lane by lane.
    const Longs heavy = weight & (weight >= least);
    sums += heavy & (__builtin_convertvector(logits, Doubles) >= wide_floor);
  }
  TokenWeight total = 0;
  for (std::size_t l = 0; l < kLanes; ++l) total += static_cast<TokenWeight>(sums[l]);
  for (std::size_t i = whole; i < block.count; ++i) {
    if (block.logits[i] >= floor && weights[i] >= weight_min) total += weights[i];
  }
  return total;
}

bool find_maxima_portable(std::span<const float> logits, float* maxima) {
  return find_maxima_in<16>(logits, maxima);
}
TokenWeight weigh_block_portable(const LogitBlock& block, TokenWeight* weights) {
  return weigh_block_in<16, 2>(block, weights);
}
void find_buckets_portable(const LogitBlock& block, const LogitScale& scale,
                           std::uint32_t* buckets) {
  find_buckets_in<16>(block, scale, buckets);
}
TokenWeight sum_from_portable(const LogitBlock& block, const TokenWeight* weights, float floor,
                              TokenWeight weight_min) {
  return sum_from_in<16>(block, weights, floor, weight_min);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] bool find_maxima_avx2(std::span<const float> logits, float* maxima) {
  return find_maxima_in<32>(logits, maxima);
}
[[gnu::target("avx2")]] TokenWeight weigh_block_avx2(const LogitBlock& block,
                                                     TokenWeight* weights) {
  return weigh_block_in<32, 2>(block, weights);
}
[[gnu::target("avx2")]] void find_buckets_avx2(const LogitBlock& block, const LogitScale& scale,
                                               std::uint32_t* buckets) {
  find_buckets_in<32>(block, scale, buckets);
}
[[gnu::target("avx2")]] TokenWeight sum_from_avx2(const LogitBlock& block,
                                                  const TokenWeight* weights, float floor,
                                                  TokenWeight weight_min) {
  return sum_from_in<32>(block, weights, floor, weight_min);
}
[[gnu::target("avx512f,avx512dq")]] bool find_maxima_avx512(std::span<const float> logits,
                                                            float* maxima) {
  return find_maxima_in<64>(logits, maxima);
}
[[gnu::target("avx512f,avx512dq")]] TokenWeight weigh_block_avx512(const LogitBlock& block,
                                                                   TokenWeight* weights) {
  return weigh_block_in<64, 4>(block, weights);
}
[[gnu::target("avx512f,avx512dq")]] void find_buckets_avx512(const LogitBlock& block,
                                                             const LogitScale& scale,
                                                             std::uint32_t* buckets) {
  find_buckets_in<64>(block, scale, buckets);
}
[[gnu::target("avx512f,avx512dq")]] TokenWeight sum_from_avx512(const LogitBlock& block,
                                                                const TokenWeight* weights,
                                                                float floor,
                                                                TokenWeight weight_min) {
  return sum_from_in<64>(block, weights, floor, weight_min);
}
#endif

constexpr LogitPasses kPortable = {find_maxima_portable, weigh_block_portable,
                                   find_buckets_portable, sum_from_portable};
#if defined(__x86_64__)
constexpr LogitPasses kAvx2 = {find_maxima_avx2, weigh_block_avx2, find_buckets_avx2,
                               sum_from_avx2};
constexpr LogitPasses kAvx512 = {find_maxima_avx512, weigh_block_avx512, find_buckets_avx512,
                                 sum_from_avx512};
#endif

}  // namespace

const LogitPasses& portable_logit_passes() {
  return kPortable;
}

const LogitPasses& logit_passes() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return kAvx512;
  if (__builtin_cpu_supports("avx2")) return kAvx2;
#endif
  return kPortable;
}

}  // namespace runtime
