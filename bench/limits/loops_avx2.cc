// Multiply-add sequences of AVX2, FMA and F16C. The int8 ones are the ways to multiply signed
// weights by signed activations with VPMADDUBSW, which wants one side unsigned and saturates at
// int16: how many products may be added before widening decides the speed.
#include <immintrin.h>

#include "bench/limits/loops.h"
#include "bench/limits/register_loop.h"

namespace bench {
namespace {

constexpr std::size_t kSums = 10;     // independent sums: more than latency times throughput
constexpr std::size_t kByteSums = 8;  // the byte sequences want registers for steps between
constexpr double kFloatOps = 2 * 8;   // of one 256-bit FMA
constexpr double kByteOps = 2 * 32;   // of one 256-bit VPMADDUBSW
constexpr double kWordOps = 2 * 16;   // of one 256-bit VPMADDWD

const __m256i* vectors(const std::byte* near) {
  return reinterpret_cast<const __m256i*>(near);
}

void fma_registers(std::size_t rounds, const std::byte*) {
  __m256 sums[kSums] = {};
  __m256 a = _mm256_set1_ps(0.5F);
  __m256 b = _mm256_set1_ps(0.25F);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    changed(a);
    changed(b);
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA { sums[i] = _mm256_fmadd_ps(a, b, sums[i]); });
  }
  all_changed(sums);
}

void fma_near(std::size_t rounds, const std::byte* near) {
  __m256 sums[kSums] = {};
  __m256 a = _mm256_set1_ps(0.5F);
  const auto* values = reinterpret_cast<const float*>(near);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    memory_changed();
    changed(a);
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA {
      sums[i] = _mm256_fmadd_ps(a, _mm256_load_ps(values + 8 * i), sums[i]);
    });
  }
  all_changed(sums);
}

void fma_f16(std::size_t rounds, const std::byte* near) {
  __m256 sums[kSums] = {};
  __m256 a = _mm256_set1_ps(0.5F);
  const auto* halves = reinterpret_cast<const __m128i*>(near);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    memory_changed();
    changed(a);
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA {
      sums[i] = _mm256_fmadd_ps(a, _mm256_cvtph_ps(_mm_load_si128(halves + i)), sums[i]);
    });
  }
  all_changed(sums);
}

// Runs `step(weights, sums[i])` over the byte sums.
template <typename Step>
[[gnu::always_inline]] inline void byte_loop(std::size_t rounds, const std::byte* near, Step step) {
  __m256i sums[kByteSums] = {};
  __m256i weights = _mm256_load_si256(vectors(near));
  __m256i inputs = _mm256_load_si256(vectors(near) + 1);
  __m256i ones = _mm256_set1_epi16(1);
  changed(ones);  // else the compiler makes it anew beside each use
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    unroll<kByteSums>([&](auto i) BENCH_INLINE_LAMBDA {
      changed(weights);
      changed(inputs);
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(step(weights, inputs), ones));
    });
  }
  all_changed(sums);
}

void sign_sign(std::size_t rounds, const std::byte* near) {
  byte_loop(rounds, near, [](__m256i w, __m256i x) {
    return _mm256_maddubs_epi16(_mm256_sign_epi8(w, w), _mm256_sign_epi8(x, w));
  });
}

void sign_once(std::size_t rounds, const std::byte* near) {
  byte_loop(rounds, near,
            [](__m256i w, __m256i x) { return _mm256_maddubs_epi16(w, _mm256_sign_epi8(x, w)); });
}

void maddubs(std::size_t rounds, const std::byte* near) {
  byte_loop(rounds, near, [](__m256i w, __m256i x) { return _mm256_maddubs_epi16(w, x); });
}

template <std::size_t kCount>
void maddubs_added(std::size_t rounds, const std::byte* near) {
  byte_loop(rounds, near, [](__m256i& w, __m256i& x) {
    __m256i sum = _mm256_maddubs_epi16(w, x);
    unroll<kCount - 1>([&](auto) BENCH_INLINE_LAMBDA {
      changed(w);
      sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x));
    });
    return sum;
  });
}

void madd_words(std::size_t rounds, const std::byte* near) {
  __m256i sums[kByteSums] = {};
  __m256i a = _mm256_load_si256(vectors(near));
  __m256i b = _mm256_load_si256(vectors(near) + 1);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    unroll<kByteSums>([&](auto i) BENCH_INLINE_LAMBDA {
      changed(a);
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(a, b));
    });
  }
  all_changed(sums);
}

constexpr ComputeLoop kLoops[] = {
    {"fma-256", "FP32 FMA, 256 bits, registers", kSums* kFloatOps, fma_registers},
    {"fma-256-l1", "FP32 FMA, 256 bits, one operand from L1", kSums* kFloatOps, fma_near},
    {"fma-256-f16", "F16 from L1, vcvtph2ps, FMA, 256 bits", kSums* kFloatOps, fma_f16},
    {"int8-sign-sign", "int8: sign, sign, maddubs, madd, add", kByteSums* kByteOps, sign_sign},
    {"int8-sign", "int8: sign, maddubs, madd, add", kByteSums* kByteOps, sign_once},
    {"int8-maddubs", "int8: maddubs, madd, add", kByteSums* kByteOps, maddubs},
    {"int8-maddubs-2", "int8: 2 x maddubs, add16, madd, add", 2 * kByteSums* kByteOps,
     maddubs_added<2>},
    {"int8-maddubs-4", "int8: 4 x maddubs, 3 x add16, madd, add", 4 * kByteSums* kByteOps,
     maddubs_added<4>},
    {"int16-madd-256", "int16: madd, add, 256 bits", kByteSums* kWordOps, madd_words},
};

}  // namespace

std::span<const ComputeLoop> avx2_loops() {
  return kLoops;
}

std::uint64_t read_avx2(const std::byte* bytes, std::size_t count, std::size_t ahead) {
  __m256i sums[8] = {};
  for (const std::byte* end = bytes + count; bytes != end; bytes += 256) {
    if (ahead != 0) {
      for (std::size_t line = 0; line < 256; line += 64)
        __builtin_prefetch(bytes + ahead + line, 0, 2);
    }
    unroll<8>([&](auto i) BENCH_INLINE_LAMBDA {
      sums[i] = _mm256_add_epi64(sums[i], _mm256_load_si256(vectors(bytes) + i));
    });
  }
  for (std::size_t i = 1; i < 8; ++i) sums[0] = _mm256_xor_si256(sums[0], sums[i]);
  return static_cast<std::uint64_t>(_mm256_extract_epi64(sums[0], 0));
}

}  // namespace bench
