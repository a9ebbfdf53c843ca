// Sixteen lanes in one AVX-512 register, with the byte dot product of
// VNNI (VPDPBUSD: unsigned times signed, summed by fours into int32
// without saturation). Operation for operation as lanes_plain.h has it.
#ifndef KERNELS_CPU_LANES_AVX512_H_
#define KERNELS_CPU_LANES_AVX512_H_

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

struct Avx512Lanes {
  static constexpr const char* kName = "cpu-avx512vnni";
  static constexpr std::size_t kDirectStep = 12;
  static constexpr std::size_t kDirectRows = 24;
  static constexpr std::size_t kBlockPanels = 2;
  static constexpr std::size_t kBlockRows = 6;
  static constexpr std::size_t kHalfBlockRows = 4;
  static constexpr std::size_t kFloatDirectStep = 12;
  static constexpr std::size_t kFloatDirectRows = 24;
  static constexpr bool kSaturates = false;
  static constexpr bool kHasTiles = false;
  static constexpr std::size_t kFloatBlockRows = 12;
  static constexpr std::size_t kScoreQueries = 12;
  static constexpr std::size_t kScoreTile = 24;  // accumulators
  static constexpr std::size_t kMixQueries = 6;
  static constexpr std::size_t kMixTile = 24;

  using F = __m512;
  using I = __m512i;
  using Bytes = __m512i;

  KERNELS_INLINE static F zero() { return _mm512_setzero_ps(); }
  KERNELS_INLINE static F broadcast(float x) { return _mm512_set1_ps(x); }
  KERNELS_INLINE static F load(const float* at) { return _mm512_loadu_ps(at); }
  KERNELS_INLINE static void store(float* at, F x) { _mm512_storeu_ps(at, x); }
  KERNELS_INLINE static __mmask16 first_lanes(std::size_t count) {
    return static_cast<__mmask16>((1U << count) - 1U);
  }
  KERNELS_INLINE static F load_part(const float* at, std::size_t count) {
    return _mm512_maskz_loadu_ps(first_lanes(count), at);
  }
  KERNELS_INLINE static void store_part(float* at, F x, std::size_t count) {
    _mm512_mask_storeu_ps(at, first_lanes(count), x);
  }
  KERNELS_INLINE static __m256i load_256(const void* at) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(at));
  }
  KERNELS_INLINE static __m128i load_128(const void* at) {
    return _mm_loadu_si128(static_cast<const __m128i*>(at));
  }
  KERNELS_INLINE static F load_f16(const std::uint16_t* at) {
    return _mm512_cvtph_ps(load_256(at));
  }
  KERNELS_INLINE static F load_bf16(const std::uint16_t* at) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_256(at)), 16));
  }
  KERNELS_INLINE static void store_f16(std::uint16_t* at, F x) {
    const __m256i half = _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    std::memcpy(at, &half, sizeof half);
  }
  KERNELS_INLINE static F load_u8(const std::uint8_t* at) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(load_128(at)));
  }
  KERNELS_INLINE static F load_s8(const std::int8_t* at) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_128(at)));
  }
  // The low and the high four bits of sixteen bytes, as numbers.
  KERNELS_INLINE static F load_low_u4(const std::uint8_t* at) {
    const __m512i bytes = _mm512_cvtepu8_epi32(load_128(at));
    return _mm512_cvtepi32_ps(_mm512_and_si512(bytes, _mm512_set1_epi32(15)));
  }
  KERNELS_INLINE static F load_high_u4(const std::uint8_t* at) {
    return _mm512_cvtepi32_ps(_mm512_srli_epi32(_mm512_cvtepu8_epi32(load_128(at)), 4));
  }
  // 2^(e - 128): subnormal for e of 0 and 1.
  KERNELS_INLINE static F load_e8m0(const std::uint8_t* at) {
    const __m512i e = _mm512_cvtepu8_epi32(load_128(at));
    const __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(1)), 23);
    const __m512i subnormal = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), e);
    const __mmask16 small = _mm512_cmplt_epi32_mask(e, _mm512_set1_epi32(2));
    return _mm512_castsi512_ps(_mm512_mask_mov_epi32(normal, small, subnormal));
  }

  KERNELS_INLINE static F add(F a, F b) { return _mm512_add_ps(a, b); }
  KERNELS_INLINE static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  KERNELS_INLINE static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  KERNELS_INLINE static F div(F a, F b) { return _mm512_div_ps(a, b); }
  KERNELS_INLINE static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  KERNELS_INLINE static F min(F a, F b) { return _mm512_min_ps(a, b); }
  KERNELS_INLINE static F max(F a, F b) { return _mm512_max_ps(a, b); }
  KERNELS_INLINE static F zero_below(F value, F x, F bound) {
    const __mmask16 below = _mm512_cmp_ps_mask(x, bound, _CMP_LT_OQ);
    return _mm512_mask_mov_ps(value, below, _mm512_setzero_ps());
  }
  KERNELS_INLINE static F keep_range(F x, int first, int last, F other) {
    const unsigned mask = ((1U << last) - 1U) & ~((1U << first) - 1U);
    return _mm512_mask_mov_ps(other, static_cast<__mmask16>(mask), x);
  }
  KERNELS_INLINE static F power_of_two(F shifted) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_set1_epi32(0x3f800000)));
  }
  struct Power {
    F rest;
    F n;
  };
  KERNELS_INLINE static Power nearest_power(F x) {
    const F rest = _mm512_reduce_ps(x, _MM_FROUND_TO_NEAREST_INT);
    return {rest, sub(x, rest)};
  }
  KERNELS_INLINE static F times_power(F p, const Power& power) {
    return _mm512_scalef_ps(p, power.n);
  }
  KERNELS_INLINE static float sum_by_halves(F x) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
  }
  KERNELS_INLINE static float max_by_halves(F x) {
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
  }
  KERNELS_INLINE static float largest_magnitude(F a, F b) {
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    const __m512i largest = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(a), mask),
                                             _mm512_and_si512(_mm512_castps_si512(b), mask));
    const std::int32_t bits = _mm512_reduce_max_epi32(largest);
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
  }
  KERNELS_INLINE static __m128i to_int8(F x) {
    return _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x));
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

  KERNELS_INLINE static I broadcast_int(std::int32_t x) { return _mm512_set1_epi32(x); }
  KERNELS_INLINE static F to_float(I x) { return _mm512_cvtepi32_ps(x); }

  KERNELS_INLINE static Bytes load_bytes(const void* at) { return _mm512_loadu_si512(at); }
  KERNELS_INLINE static void store_bytes(void* at, Bytes x) { _mm512_storeu_si512(at, x); }
  // The bits of each byte that stand at kMask once shifted right by kShift.
  template <int kShift, int kMask>
  KERNELS_INLINE static Bytes take_bits(Bytes x) {
    const __m512i shifted = kShift == 0 ? x : _mm512_srli_epi16(x, kShift);
    return _mm512_and_si512(shifted, _mm512_set1_epi8(kMask));
  }
  using Table = __m512i;
  KERNELS_INLINE static Table load_table(const std::int8_t* at) {
    return _mm512_broadcast_i32x4(load_128(at));
  }
  KERNELS_INLINE static Bytes look_up(Table table, Bytes codes) {
    return _mm512_shuffle_epi8(table, codes);
  }
  // The shift is by 16-bit lanes: what crosses from one byte into the other, the mask removes.
  template <int kShift, int kMask>
  KERNELS_INLINE static Bytes insert_bits(Bytes x, Bytes upper) {
    const __m512i shifted = kShift >= 0 ? _mm512_slli_epi16(upper, kShift & 15)
                                        : _mm512_srli_epi16(upper, -kShift & 15);
    constexpr int kOrOfFirstWithAnd = 0xf8;  // a | (b & c)
    return _mm512_ternarylogic_epi32(x, shifted, _mm512_set1_epi8(kMask), kOrOfFirstWithAnd);
  }

  template <int kShift>
  KERNELS_INLINE static I shift_left(I x) {
    return _mm512_slli_epi32(x, kShift);
  }
  template <int kShift>
  KERNELS_INLINE static I shift_right(I x) {
    return _mm512_srai_epi32(x, kShift);
  }

  // What a block's codes are made into before many rows are multiplied with them: signed codes
  // become unsigned by adding 128, which flips their sign bit.
  template <bool kSigned>
  KERNELS_INLINE static Bytes for_products(Bytes codes) {
    return kSigned ? _mm512_xor_si512(codes, _mm512_set1_epi8(-128)) : codes;
  }
  // Signed products start from -128 * sum of q, which takes the 128 back.
  KERNELS_INLINE static I signed_start(const QuantBlock& x) { return broadcast_int(x.start128); }

  // Codes are as for_products gives them.
  template <std::size_t kPanels, std::size_t kRows, bool kSigned, unsigned kCodeMax>
  struct Dot {
    I acc[kPanels][kRows];

    KERNELS_INLINE void start(std::size_t i, I value) {
      unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA { acc[p][i] = value; });
    }
    template <std::size_t kGroup>
    KERNELS_INLINE void add(const Bytes (&w)[kPanels], const QuantBlock* x) {
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        std::int32_t four;
        std::memcpy(&four, x[i].q + 4 * kGroup, sizeof four);
        const __m512i fours = _mm512_set1_epi32(four);
        unroll<kPanels>([&](auto p) KERNELS_INLINE_LAMBDA {
          acc[p][i] = _mm512_dpbusd_epi32(acc[p][i], w[p], fours);
        });
      });
    }
    KERNELS_INLINE void widen() {}
  };
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LANES_AVX512_H_
