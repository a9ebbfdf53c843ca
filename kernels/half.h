// The two 16-bit floats: IEEE 754 binary16 and bfloat16 (the upper half of a binary32).
//
// Conversions to float are exact; a signalling NaN comes out quiet, as the processor's own
// conversion has it. Conversions from float round to nearest, ties to even; too large becomes
// infinity. Deliberately not inline: files compiled for a wider instruction set include nothing
// that other files share.
#ifndef KERNELS_HALF_H_
#define KERNELS_HALF_H_

#include <cstdint>

namespace kernels {

float f16_to_f32(std::uint16_t bits);
std::uint16_t f32_to_f16(float value);

float bf16_to_f32(std::uint16_t bits);
std::uint16_t f32_to_bf16(float value);

}  // namespace kernels

#endif  // KERNELS_HALF_H_
