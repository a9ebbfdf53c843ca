// What the quantisers of this folder share: extremes, steps and rounding.
#ifndef KERNELS_FORMATS_ROUNDING_H_
#define KERNELS_FORMATS_ROUNDING_H_

#include <cstddef>
#include <cstdint>

namespace kernels::formats {

// The first element of largest magnitude, with its sign.
float extreme(const float* x, std::size_t count);

// 1 / value, or 0 where that is not finite: the inverse of a step too small to count.
float inverse(float value);

// To nearest, halves away from zero, kept within [lowest, highest].
int round_within(float value, int lowest, int highest);

// Toward zero, kept within [0, highest].
std::uint8_t truncate_within(float value, int highest);

// What a reader will see of a scale that is kept as binary16.
float kept_as_f16(float value);

// The index i of 16 for which step * table[i] is nearest to x; the first of equals.
std::uint8_t nearest(const std::int8_t* table, float step, float x);

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_ROUNDING_H_
