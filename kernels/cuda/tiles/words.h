// Words of a record, and pairs of bf16 in a word.
#ifndef KERNELS_CUDA_TILES_WORDS_H_
#define KERNELS_CUDA_TILES_WORDS_H_

#include <cstdint>
#include <cstring>

#include "kernels/cuda/portable/portable.h"

namespace kernels::cuda {

struct alignas(16) FourWords {
  std::uint32_t word[4];
};
struct alignas(8) TwoWords {
  std::uint32_t word[2];
};

// One load. `at` is aligned as T is.
template <typename T>
KERNELS_DEVICE T load_as(const unsigned char* at) {
#ifdef __CUDA_ARCH__
  return *reinterpret_cast<const T*>(at);
#else
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
#endif
}

KERNELS_DEVICE float float_of_bits(std::uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

KERNELS_DEVICE float low_bf16(std::uint32_t pair) {
  return float_of_bits(pair << 16U);
}
KERNELS_DEVICE float high_bf16(std::uint32_t pair) {
  return float_of_bits(pair & 0xffff0000U);
}

// Products of pairs, each rounded once: fma.rn.bf16x2 with -0 (PTX ISA 9.0, section 9.7.4.4;
// subnormals are kept).
KERNELS_DEVICE std::uint32_t multiply_bf16_pairs(std::uint32_t a, std::uint32_t b) {
#ifdef __CUDA_ARCH__
  std::uint32_t product;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(product) : "r"(a), "r"(b), "r"(0x80008000U));
  return product;
#else
  return pack_bf16(low_bf16(a) * low_bf16(b), high_bf16(a) * high_bf16(b));
#endif
}
KERNELS_DEVICE constexpr std::uint32_t bf16_twice(std::uint32_t bits) {
  return bits | bits << 16U;
}

// Differences of pairs of whole numbers up to 256, which are exact.
KERNELS_DEVICE std::uint32_t subtract_bf16_pairs(std::uint32_t a, std::uint32_t b) {
#ifdef __CUDA_ARCH__
  std::uint32_t difference;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;"
      : "=r"(difference)
      : "r"(b), "r"(bf16_twice(0xbf80U)), "r"(a));
  return difference;
#else
  return pack_bf16(low_bf16(a) - low_bf16(b), high_bf16(a) - high_bf16(b));
#endif
}

// Code i (a pair) of a word of nibbles as 128 + code, in bf16: its last bit is worth one.
KERNELS_DEVICE std::uint32_t nibbles_plus_128(std::uint32_t word, unsigned i) {
  return ((word >> (4 * i)) & 0x000f000fU) | bf16_twice(0x4300U);
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_WORDS_H_
