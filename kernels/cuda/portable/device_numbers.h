// Floats as kernels use them, on the GPU. Sources: PTX ISA 9.0, sections 9.7.3 (floating point)
// and 9.7.9 (cvt); the CUDA Math API. The results are those of host_numbers.h, bit for bit, but
// for exp2_fast.
#ifndef KERNELS_CUDA_PORTABLE_DEVICE_NUMBERS_H_
#define KERNELS_CUDA_PORTABLE_DEVICE_NUMBERS_H_

#include <cstdint>

namespace kernels::cuda {

__device__ __forceinline__ float fma(float a, float b, float c) {
  return __fmaf_rn(a, b, c);
}
__device__ __forceinline__ float sqrt_rn(float x) {
  return __fsqrt_rn(x);
}
__device__ __forceinline__ float divide_rn(float a, float b) {
  return __fdiv_rn(a, b);
}

__device__ __forceinline__ float exp2_fast(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

__device__ __forceinline__ float maximum(float a, float b) {
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
}

__device__ __forceinline__ float from_bf16(std::uint16_t bits) {
  return __uint_as_float(static_cast<std::uint32_t>(bits) << 16U);
}

__device__ __forceinline__ std::uint16_t to_bf16(float value) {
  std::uint16_t bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

// cvt to a pair puts its first source into the upper half.
__device__ __forceinline__ std::uint32_t pack_bf16(float low, float high) {
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

__device__ __forceinline__ float from_f16(std::uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

// A NaN stays one: it is neither above nor below.
__device__ __forceinline__ float limited_to_f16(float value) {
  return value > 65504.0F ? 65504.0F : value < -65504.0F ? -65504.0F : value;
}

__device__ __forceinline__ std::uint16_t to_f16(float value) {
  std::uint16_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(limited_to_f16(value)));
  return bits;
}

__device__ __forceinline__ std::uint32_t pack_f16(float low, float high) {
  std::uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;"
      : "=r"(pair)
      : "f"(limited_to_f16(high)), "f"(limited_to_f16(low)));
  return pair;
}

// OCP 8-bit floating point (2023), E4M3: no infinity, one NaN (0x7f) with either sign. In plain
// arithmetic, because the conversion is an instruction from capability 89 on only; exact,
// subnormals too.
__device__ __forceinline__ float from_e4m3(std::uint8_t code) {
  const std::uint32_t magnitude = code & 0x7fU;
  if (magnitude == 0x7fU) return __uint_as_float(0x7fffffffU);
  const float value = __uint_as_float(magnitude << 20U) * 0x1p120F;
  return code < 0x80U ? value : -value;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_PORTABLE_DEVICE_NUMBERS_H_
