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
  static constexpr std::size_t kQuantStep = 12;
  static constexpr std::size_t kFloatStep = 12;
  static constexpr std::size_t kScoreQueries = 8;
  static constexpr std::size_t kMixQueries = 7;
  static constexpr std::size_t kMixVectors = 4;

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
  KERNELS_INLINE static float largest_magnitude(F a, F b) {
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    const __m512i largest = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(a), mask),
                                             _mm512_and_si512(_mm512_castps_si512(b), mask));
    const std::int32_t bits = _mm512_reduce_max_epi32(largest);
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
  }
  KERNELS_INLINE static void store_int8(std::int8_t* at, F x) {
    const __m128i bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x));
    std::memcpy(at, &bytes, sizeof bytes);
  }

  KERNELS_INLINE static I broadcast_int(std::int32_t x) { return _mm512_set1_epi32(x); }
  KERNELS_INLINE static F to_float(I x) { return _mm512_cvtepi32_ps(x); }

  KERNELS_INLINE static Bytes load_bytes(const void* at) { return _mm512_loadu_si512(at); }
  KERNELS_INLINE static Bytes low_nibbles(Bytes x) {
    return _mm512_and_si512(x, _mm512_set1_epi8(0x0f));
  }
  KERNELS_INLINE static Bytes high_nibbles(Bytes x) { return low_nibbles(_mm512_srli_epi16(x, 4)); }
  // The shift is by 16-bit lanes: what crosses from one byte into the other, the mask removes.
  template <int kShift, int kMask>
  KERNELS_INLINE static Bytes insert_bits(Bytes x, Bytes upper) {
    const __m512i shifted = kShift >= 0 ? _mm512_slli_epi16(upper, kShift & 15)
                                        : _mm512_srli_epi16(upper, -kShift & 15);
    constexpr int kOrOfFirstWithAnd = 0xf8;  // a | (b & c)
    return _mm512_ternarylogic_epi32(x, shifted, _mm512_set1_epi8(kMask), kOrOfFirstWithAnd);
  }

  template <std::size_t kRows>
  struct UnsignedDot {
    I acc[kRows];

    KERNELS_INLINE void start(std::size_t i, std::int32_t value) { acc[i] = broadcast_int(value); }
    KERNELS_INLINE void add(Bytes w, const QuantBlock* x, std::size_t group) {
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA {
        std::int32_t four;
        std::memcpy(&four, x[i].q + 4 * group, sizeof four);
        acc[i] = _mm512_dpbusd_epi32(acc[i], w, _mm512_set1_epi32(four));
      });
    }
    KERNELS_INLINE void widen() {}
  };

  // Signed weights become unsigned by adding 128, which
  // flips their sign bit; start128 takes it back.
  template <std::size_t kRows>
  struct SignedDot : UnsignedDot<kRows> {
    KERNELS_INLINE void begin(const QuantBlock* x) {
      unroll<kRows>([&](auto i) KERNELS_INLINE_LAMBDA { this->start(i, x[i].start128); });
    }
    KERNELS_INLINE void add(Bytes w, const QuantBlock* x, std::size_t group) {
      UnsignedDot<kRows>::add(_mm512_xor_si512(w, _mm512_set1_epi8(-128)), x, group);
    }
  };
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_LANES_AVX512_H_
