// Sixteen lanes in two AVX2 registers, with FMA and F16C.
// Operation for operation as lanes_plain.h has it.
//
// Byte dots go through VPMADDUBSW (unsigned times signed, adjacent pairs summed into int16,
// saturating), arranged so that it cannot saturate: codes of b bits allow 2 * (2^b - 1) * 127 per
// instruction, and results are added in int16 only as often as `Dot::kAdds` says.
// Signed weights w are multiplied as |w| * sign(w) x, at most 2 * 128 * 127 = 32 512.
#ifndef KERNELS_CPU_LANES_AVX2_H_
#define KERNELS_CPU_LANES_AVX2_H_

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

struct Avx2Lanes {
  static constexpr const char* kName = "cpu-avx2";
  static constexpr std::size_t kDirectStep = 4;
  static constexpr std::size_t kDirectRows = 8;
  static constexpr std::size_t kBlockPanels = 1;
  static constexpr std::size_t kBlockRows = 4;
  static constexpr std::size_t kHalfBlockRows = 3;
  static constexpr std::size_t kFloatDirectStep = 2;
  static constexpr std::size_t kFloatDirectRows = 4;
  static constexpr bool kSaturates = true;
  static constexpr bool kHasTiles = false;
  static constexpr std::size_t kFloatBlockRows = 6;
  static constexpr std::size_t kScoreQueries = 6;
  static constexpr std::size_t kScoreTile = 6;  // accumulators
  static constexpr std::size_t kMixQueries = 6;
  static constexpr std::size_t kMixTile = 6;

  struct F {
    __m256 low;
    __m256 high;
  };
  struct I {
    __m256i low;
    __m256i high;
  };
  using Bytes = I;

  KERNELS_INLINE static F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  KERNELS_INLINE static F broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  KERNELS_INLINE static F load(const float* at) {
    return {_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8)};
  }
  KERNELS_INLINE static void store(float* at, F x) {
    _mm256_storeu_ps(at, x.low);
    _mm256_storeu_ps(at + 8, x.high);
  }
  KERNELS_INLINE static F load_part(const float* at, std::size_t count) {
    float values[kLanes] = {};
    for (std::size_t i = 0; i < count; ++i) values[i] = at[i];
    return load(values);
  }
  KERNELS_INLINE static void store_part(float* at, F x, std::size_t count) {
    if (count == kLanes) return store(at, x);
    float values[kLanes];
    store(values, x);
    for (std::size_t i = 0; i < count; ++i) at[i] = values[i];
  }
  KERNELS_INLINE static __m128i load_128(const void* at) {
    return _mm_loadu_si128(static_cast<const __m128i*>(at));
  }
  KERNELS_INLINE static __m128i load_64(const void* at) {
    return _mm_loadl_epi64(static_cast<const __m128i*>(at));
  }
  KERNELS_INLINE static F load_f16(const std::uint16_t* at) {
    return {_mm256_cvtph_ps(load_128(at)), _mm256_cvtph_ps(load_128(at + 8))};
  }
  KERNELS_INLINE static __m256 widen_bf16(__m128i x) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
  }
  KERNELS_INLINE static F load_bf16(const std::uint16_t* at) {
    return {widen_bf16(load_128(at)), widen_bf16(load_128(at + 8))};
  }
  KERNELS_INLINE static void store_f16(std::uint16_t* at, F x) {
    const __m128i low = _mm256_cvtps_ph(x.low, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m128i high = _mm256_cvtps_ph(x.high, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    std::memcpy(at, &low, sizeof low);
    std::memcpy(at + 8, &high, sizeof high);
  }
  KERNELS_INLINE static F load_u8(const std::uint8_t* at) {
    return to_float({_mm256_cvtepu8_epi32(load_64(at)), _mm256_cvtepu8_epi32(load_64(at + 8))});
  }
  KERNELS_INLINE static F load_s8(const std::int8_t* at) {
    return to_float({_mm256_cvtepi8_epi32(load_64(at)), _mm256_cvtepi8_epi32(load_64(at + 8))});
  }
  KERNELS_INLINE static __m256 low_u4(__m256i bytes) {
    return _mm256_cvtepi32_ps(_mm256_and_si256(bytes, _mm256_set1_epi32(15)));
  }
  KERNELS_INLINE static __m256 high_u4(__m256i bytes) {
    return _mm256_cvtepi32_ps(_mm256_srli_epi32(bytes, 4));
  }
  KERNELS_INLINE static F load_low_u4(const std::uint8_t* at) {
    return {low_u4(_mm256_cvtepu8_epi32(load_64(at))),
            low_u4(_mm256_cvtepu8_epi32(load_64(at + 8)))};
  }
  KERNELS_INLINE static F load_high_u4(const std::uint8_t* at) {
    return {high_u4(_mm256_cvtepu8_epi32(load_64(at))),
            high_u4(_mm256_cvtepu8_epi32(load_64(at + 8)))};
  }
  KERNELS_INLINE static __m256 e8m0(__m256i e) {
    const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    const __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
    const __m256i small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e);
    return _mm256_castsi256_ps(_mm256_blendv_epi8(normal, subnormal, small));
  }
  KERNELS_INLINE static F load_e8m0(const std::uint8_t* at) {
    return {e8m0(_mm256_cvtepu8_epi32(load_64(at))), e8m0(_mm256_cvtepu8_epi32(load_64(at + 8)))};
  }

  KERNELS_INLINE static F add(F a, F b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  KERNELS_INLINE static F sub(F a, F b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  KERNELS_INLINE static F mul(F a, F b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  KERNELS_INLINE static F div(F a, F b) {
    return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
  }
  KERNELS_INLINE static F fma(F a, F b, F c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  KERNELS_INLINE static F min(F a, F b) {
    return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
  }
  KERNELS_INLINE static F max(F a, F b) {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
  }
  KERNELS_INLINE static __m256 zero_below(__m256 value, __m256 x, __m256 bound) {
    return _mm256_andnot_ps(_mm256_cmp_ps(x, bound, _CMP_LT_OQ), value);
  }
  KERNELS_INLINE static F zero_below(F value, F x, F bound) {
    return {zero_below(value.low, x.low, bound.low), zero_below(value.high, x.high, bound.high)};
  }
  // All ones in lanes whose number, counted from `base`, lies in [first, last).
  KERNELS_INLINE static __m256 lanes_within(int base, int first, int last) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i below = _mm256_cmpgt_epi32(_mm256_set1_epi32(first - base), lane);
    const __m256i before_last = _mm256_cmpgt_epi32(_mm256_set1_epi32(last - base), lane);
    return _mm256_castsi256_ps(_mm256_andnot_si256(below, before_last));
  }
  KERNELS_INLINE static F keep_range(F x, int first, int last, F other) {
    return {_mm256_blendv_ps(other.low, x.low, lanes_within(0, first, last)),
            _mm256_blendv_ps(other.high, x.high, lanes_within(8, first, last))};
  }
  KERNELS_INLINE static __m256 power_of_two(__m256 shifted) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_set1_epi32(0x3f800000)));
  }
  KERNELS_INLINE static F power_of_two(F shifted) {
    return {power_of_two(shifted.low), power_of_two(shifted.high)};
  }
  struct Power {
    F rest;
    F shifted;
  };
  KERNELS_INLINE static Power nearest_power(F x) {
    const F shift = broadcast(12582912.0F);
    const F shifted = add(x, shift);
    return {sub(x, sub(shifted, shift)), shifted};
  }
  KERNELS_INLINE static F times_power(F p, const Power& power) {
    return mul(p, power_of_two(power.shifted));
  }
  KERNELS_INLINE static float sum_by_halves(F x) {
    const __m256 eight = _mm256_add_ps(x.low, x.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
  }
  KERNELS_INLINE static float max_by_halves(F x) {
    const __m256 eight = _mm256_max_ps(x.low, x.high);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
  }
  KERNELS_INLINE static __m256i magnitude(__m256 x) {
    return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
  }
  KERNELS_INLINE static float largest_magnitude(F a, F b) {
    const __m256i eight = _mm256_max_epi32(_mm256_max_epi32(magnitude(a.low), magnitude(a.high)),
                                           _mm256_max_epi32(magnitude(b.low), magnitude(b.high)));
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    const std::int32_t bits = _mm_cvtsi128_si32(four);
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
  }
  KERNELS_INLINE static __m128i to_int8(F x) {
    const __m256i low = _mm256_cvtps_epi32(x.low);
    const __m256i high = _mm256_cvtps_epi32(x.high);
    const __m128i words_low =
        _mm_packs_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    const __m128i words_high =
        _mm_packs_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
    return _mm_packs_epi16(words_low, words_high);
  }
  KERNELS_INLINE static void store_int8(std::int8_t* at, F x) {
    const __m128i bytes = to_int8(x);
    std::memcpy(at, &bytes, sizeof bytes);
  }

  // The sums are taken in registers: reading back what was just stored in two parts would wait for
  // the stores.
  KERNELS_INLINE static void store_int8(std::int8_t* at, F a, F b, std::int32_t (&sums)[2]) {
    const __m256i bytes = _mm256_set_m128i(to_int8(b), to_int8(a));
    std::memcpy(at, &bytes, sizeof bytes);
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    fours = _mm256_add_epi32(fours, _mm256_shuffle_epi32(fours, 0x4e));
    fours = _mm256_add_epi32(fours, _mm256_shuffle_epi32(fours, 0xb1));
    sums[0] = _mm256_cvtsi256_si32(fours);
    sums[1] = _mm256_extract_epi32(fours, 4);
  }

  KERNELS_INLINE static I broadcast_int(std::int32_t x) {
    return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
  }
  KERNELS_INLINE static F to_float(I x) {
    return {_mm256_cvtepi32_ps(x.low), _mm256_cvtepi32_ps(x.high)};
  }

  KERNELS_INLINE static Bytes load_bytes(const void* at) {
    const auto* halves = static_cast<const __m256i*>(at);
    return {_mm256_loadu_si256(halves), _mm256_loadu_si256(halves + 1)};
  }
  KERNELS_INLINE static void store_bytes(void* at, Bytes x) {
    auto* halves = static_cast<__m256i*>(at);
    _mm256_storeu_si256(halves, x.low);
    _mm256_storeu_si256(halves + 1, x.high);
  }
  template <int kShift, int kMask>
  KERNELS_INLINE static __m256i take_bits(__m256i x) {
    const __m256i shifted = kShift == 0 ? x : _mm256_srli_epi16(x, kShift);
    return _mm256_and_si256(shifted, _mm256_set1_epi8(kMask));
  }
  // The bits of each byte that stand at kMask once shifted right by kShift.
  template <int kShift, int kMask>
  KERNELS_INLINE static Bytes take_bits(Bytes x) {
    return {take_bits<kShift, kMask>(x.low), take_bits<kShift, kMask>(x.high)};
  }
  using Table = __m256i;
  KERNELS_INLINE static Table load_table(const std::int8_t* at) {
    return _mm256_broadcastsi128_si256(load_128(at));
  }
  KERNELS_INLINE static Bytes look_up(Table table, Bytes codes) {
    return {_mm256_shuffle_epi8(table, codes.low), _mm256_shuffle_epi8(table, codes.high)};
  }
  // The shift is by 16-bit lanes: what crosses from one byte into the other, the mask removes.
  template <int kShift, int kMask>
  KERNELS_INLINE static __m256i insert_bits(__m256i x, __m256i upper) {
    const __m256i shifted = kShift >= 0 ? _mm256_slli_epi16(upper, kShift & 15)
                                        : _mm256_srli_epi16(upper, -kShift & 15);
    return _mm256_or_si256(x, _mm256_and_si256(shifted, _mm256_set1_epi8(kMask)));
  }
  template <int kShift, int kMask>
  KERNELS_INLINE static Bytes insert_bits(Bytes x, Bytes upper) {
    return {insert_bits<kShift, kMask>(x.low, upper.low),
            insert_bits<kShift, kMask>(x.high, upper.high)};
  }

  KERNELS_INLINE static __m256i four_of(const QuantBlock& x, std::size_t group) {
    std::int32_t four;
    std::memcpy(&four, x.q + 4 * group, sizeof four);
    return _mm256_set1_epi32(four);
  }
  // acc + the int16 pairs of `words` summed into int32.
  KERNELS_INLINE static __m256i add_pairs(__m256i acc, __m256i words) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
  }

  template <int kShift>
  KERNELS_INLINE static I shift_left(I x) {
    return {_mm256_slli_epi32(x.low, kShift), _mm256_slli_epi32(x.high, kShift)};
  }
  template <int kShift>
  KERNELS_INLINE static I shift_right(I x) {
    return {_mm256_srai_epi32(x.low, kShift), _mm256_srai_epi32(x.high, kShift)};
  }

  template <bool kSigned>
  KERNELS_INLINE static Bytes for_products(Bytes codes) {
    return codes;
  }
  KERNELS_INLINE static I signed_start(const QuantBlock&) { return broadcast_int(0); }

  template <std::size_t kPanels, std::size_t kRows, bool kSigned, unsigned kCodeMax>
  struct Dot {
    // Additions of products to an int16 before it could saturate.
    static constexpr unsigned kAdds = kSigned ? 1 : 32767 / (2 * kCodeMax * 127);
    static constexpr bool kInWords = kAdds >= 2;
    I acc[kPanels][kRows];
    I words[kPanels][kRows];
    unsigned added = 0;

    KERNELS_INLINE void start(std::size_t i, I value) {
      unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA {
        acc[p][i] = value;
        words[p][i] = broadcast_int(0);
      });
    }
    template <std::size_t kGroup>
    KERNELS_INLINE void add(const Bytes (&w)[kPanels], const QuantBlock* x) {
      if (kInWords && added == kAdds) widen();
      ++added;
      unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA {
        const Bytes size =
            kSigned ? Bytes{_mm256_abs_epi8(w[p].low), _mm256_abs_epi8(w[p].high)} : w[p];
        unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
          const __m256i four = four_of(x[i], kGroup);
          const __m256i low = products(size.low, four, w[p].low);
          const __m256i high = products(size.high, four, w[p].high);
          if constexpr (kInWords) {
            words[p][i] = {_mm256_add_epi16(words[p][i].low, low),
                           _mm256_add_epi16(words[p][i].high, high)};
          } else {
            acc[p][i] = {add_pairs(acc[p][i].low, low), add_pairs(acc[p][i].high, high)};
          }
        });
      });
    }
    KERNELS_INLINE static __m256i products(__m256i size, __m256i four, __m256i w) {
      return _mm256_maddubs_epi16(size, kSigned ? _mm256_sign_epi8(four, w) : four);
    }
    KERNELS_INLINE void widen() {
      if constexpr (!kInWords) return;
      added = 0;
      unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA {
        unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
          I& sum = acc[p][i];
          sum = {add_pairs(sum.low, words[p][i].low), add_pairs(sum.high, words[p][i].high)};
          words[p][i] = broadcast_int(0);
        });
      });
    }
  };
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LANES_AVX2_H_
