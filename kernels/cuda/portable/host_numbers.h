// Floats as kernels use them, on the host. The results are those of device_numbers.h, bit for bit,
// but for exp2_fast. NaNs come out as the GPU's canonical NaN (PTX ISA 9.0, sections 9.7.3 and, for
// cvt, 9.7.9); no result depends on a NaN's bits.
#ifndef KERNELS_CUDA_PORTABLE_HOST_NUMBERS_H_
#define KERNELS_CUDA_PORTABLE_HOST_NUMBERS_H_

#include <bit>
#include <cmath>
#include <cstdint>

namespace kernels::cuda {

inline float fma(float a, float b, float c) {
  return std::fma(a, b, c);
}
inline float sqrt_rn(float x) {
  return std::sqrt(x);
}
inline float divide_rn(float a, float b) {
  return a / b;
}

// The GPU's is an approximation (2 ulp); both give zero where the result would be subnormal.
inline float exp2_fast(float x) {
  const float result = std::exp2(x);
  return result < 0x1p-126F ? 0.0F : result;
}

inline constexpr float kCanonicalNan = std::bit_cast<float>(0x7fffffffU);

inline float maximum(float a, float b) {
  if (a != a || b != b) return kCanonicalNan;
  if (a == b) return std::signbit(a) ? b : a;  // +0 is larger than -0
  return a > b ? a : b;
}

inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

inline std::uint16_t to_bf16(float value) {
  if (value != value) return 0x7fffU;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
}

inline float from_f16(std::uint16_t bits) {
  const std::uint32_t magnitude = bits & 0x7fffU;
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  if (magnitude > 0x7c00U) return kCanonicalNan;
  if (magnitude == 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U);
  // The exponent's bias goes from 15 to 127. A subnormal becomes the float's subnormal, and the
  // product is exact.
  const float value = std::bit_cast<float>(magnitude << 13U) * 0x1p112F;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(value));
}

inline std::uint16_t to_f16(float value) {
  if (value != value) return 0x7fffU;
  const float limited = value > 65504.0F ? 65504.0F : value < -65504.0F ? -65504.0F : value;
  const auto bits = std::bit_cast<std::uint32_t>(limited);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  std::uint32_t half = 0;
  if (magnitude >= 0x38800000U) {  // normal in binary16; rounding may carry into the exponent
    half = (magnitude - (112U << 23U) + 0xfffU + ((magnitude >> 13U) & 1U)) >> 13U;
  } else {
    // Adding 0.5 leaves the sum's last bit at 2^-24, binary16's smallest: the addition rounds.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U;
  }
  return static_cast<std::uint16_t>(sign | half);
}

inline std::uint32_t pack_bf16(float low, float high) {
  return to_bf16(low) | static_cast<std::uint32_t>(to_bf16(high)) << 16U;
}
inline std::uint32_t pack_f16(float low, float high) {
  return to_f16(low) | static_cast<std::uint32_t>(to_f16(high)) << 16U;
}

// OCP 8-bit floating point (2023), E4M3: no infinity, one NaN (0x7f) with either sign.
inline float from_e4m3(std::uint8_t code) {
  const std::uint32_t magnitude = code & 0x7fU;
  if (magnitude == 0x7fU) return kCanonicalNan;
  const float value = std::bit_cast<float>(magnitude << 20U) * 0x1p120F;
  return code < 0x80U ? value : -value;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_PORTABLE_HOST_NUMBERS_H_
