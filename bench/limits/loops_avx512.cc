// Multiply-add sequences of AVX-512 (F and BW).
#include <immintrin.h>

#include "bench/limits/loops.h"
#include "bench/limits/register_loop.h"

namespace bench {
namespace {

constexpr std::size_t kSums = 16;
constexpr double kFloatOps = 2 * 16;
constexpr double kByteOps = 2 * 64;
constexpr double kWordOps = 2 * 32;

void fma_registers(std::size_t rounds, const std::byte*) {
  __m512 sums[kSums] = {};
  __m512 a = _mm512_set1_ps(0.5F);
  __m512 b = _mm512_set1_ps(0.25F);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    changed(a);
    changed(b);
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA { sums[i] = _mm512_fmadd_ps(a, b, sums[i]); });
  }
  all_changed(sums);
}

void fma_near(std::size_t rounds, const std::byte* near) {
  __m512 sums[kSums] = {};
  __m512 a = _mm512_set1_ps(0.5F);
  const auto* values = reinterpret_cast<const float*>(near);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    memory_changed();
    changed(a);
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA {
      sums[i] = _mm512_fmadd_ps(a, _mm512_load_ps(values + 16 * i), sums[i]);
    });
  }
  all_changed(sums);
}

void fma_f16(std::size_t rounds, const std::byte* near) {
  __m512 sums[kSums] = {};
  __m512 a = _mm512_set1_ps(0.5F);
  const auto* halves = reinterpret_cast<const __m256i*>(near);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    memory_changed();
    changed(a);
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA {
      sums[i] = _mm512_fmadd_ps(a, _mm512_cvtph_ps(_mm256_load_si256(halves + i)), sums[i]);
    });
  }
  all_changed(sums);
}

template <std::size_t kCount>
void maddubs_added(std::size_t rounds, const std::byte* near) {
  __m512i sums[kSums] = {};
  __m512i weights = _mm512_load_si512(near);
  __m512i inputs = _mm512_load_si512(near + 64);
  __m512i ones = _mm512_set1_epi16(1);
  changed(ones);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA {
      changed(weights);
      __m512i words = _mm512_maddubs_epi16(weights, inputs);
      unroll<kCount - 1>([&](auto) BENCH_INLINE_LAMBDA {
        changed(weights);
        words = _mm512_add_epi16(words, _mm512_maddubs_epi16(weights, inputs));
      });
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(words, ones));
    });
  }
  all_changed(sums);
}

void madd_words(std::size_t rounds, const std::byte* near) {
  __m512i sums[kSums] = {};
  __m512i a = _mm512_load_si512(near);
  __m512i b = _mm512_load_si512(near + 64);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA {
      changed(a);
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(a, b));
    });
  }
  all_changed(sums);
}

constexpr ComputeLoop kLoops[] = {
    {"fma-512", "FP32 FMA, 512 bits, registers", kSums* kFloatOps, fma_registers},
    {"fma-512-l1", "FP32 FMA, 512 bits, one operand from L1", kSums* kFloatOps, fma_near},
    {"fma-512-f16", "F16 from L1, vcvtph2ps, FMA, 512 bits", kSums* kFloatOps, fma_f16},
    {"int8-maddubs-512", "int8: maddubs, madd, add, 512 bits", kSums* kByteOps, maddubs_added<1>},
    {"int8-maddubs-4-512", "int8: 4 x maddubs, 3 x add16, madd, add, 512 bits", 4 * kSums* kByteOps,
     maddubs_added<4>},
    {"int16-madd-512", "int16: madd, add, 512 bits", kSums* kWordOps, madd_words},
};

}  // namespace

std::span<const ComputeLoop> avx512_loops() {
  return kLoops;
}

std::uint64_t read_avx512(const std::byte* bytes, std::size_t count, std::size_t ahead) {
  __m512i sums[8] = {};
  for (const std::byte* end = bytes + count; bytes != end; bytes += 512) {
    if (ahead != 0) {
      for (std::size_t line = 0; line < 512; line += 64)
        __builtin_prefetch(bytes + ahead + line, 0, 2);
    }
    unroll<8>([&](auto i) BENCH_INLINE_LAMBDA {
      sums[i] = _mm512_add_epi64(sums[i], _mm512_load_si512(bytes + 64 * i));
    });
  }
  for (std::size_t i = 1; i < 8; ++i) sums[0] = _mm512_xor_si512(sums[0], sums[i]);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(sums[0])));
}

}  // namespace bench
