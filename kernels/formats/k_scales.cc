#include "kernels/formats/k_scales.h"

#include <algorithm>

#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {

void read_scales_and_mins(const std::uint8_t* packed, BlockCodes* out) {
  for (unsigned i = 0; i < 4; ++i) {
    out->scale[i] = static_cast<std::int8_t>(packed[i] & 63U);
    out->min[i] = packed[4 + i] & 63U;
    const unsigned scale = low_nibble(packed[8 + i]) | unsigned{bits(packed[i], 6, 2)} << 4U;
    const unsigned min = high_nibble(packed[8 + i]) | unsigned{bits(packed[4 + i], 6, 2)} << 4U;
    out->scale[4 + i] = static_cast<std::int8_t>(scale);
    out->min[4 + i] = static_cast<std::uint8_t>(min);
  }
}

void write_scales_and_mins(const BlockCodes& codes, std::uint8_t* packed) {
  for (unsigned i = 0; i < 4; ++i) {
    const auto scale = static_cast<unsigned>(codes.scale[4 + i]);
    const unsigned min = codes.min[4 + i];
    packed[i] =
        static_cast<std::uint8_t>(static_cast<unsigned>(codes.scale[i]) | (scale >> 4U) << 6U);
    packed[4 + i] = static_cast<std::uint8_t>(codes.min[i] | (min >> 4U) << 6U);
    packed[8 + i] = static_cast<std::uint8_t>((scale & 15U) | (min & 15U) << 4U);
  }
}

void quantize_with_mins(const float* x, const MinScaling& scaling, BlockCodes* out) {
  float scales[16];
  float mins[16];
  const std::size_t groups = 256 / scaling.group;
  for (std::size_t g = 0; g < groups; ++g) {
    const float* first = x + scaling.group * g;
    const float lowest = std::min(0.0F, *std::min_element(first, first + scaling.group));
    const float highest = std::max(lowest, *std::max_element(first, first + scaling.group));
    scales[g] = (highest - lowest) / static_cast<float>(scaling.code_max);
    mins[g] = -lowest;
  }
  // Codes are chosen for the d and dmin a reader will see.
  const auto whole = static_cast<float>(scaling.scale_max);
  const float d = kept_as_f16(*std::max_element(scales, scales + groups) / whole);
  const float dmin = kept_as_f16(*std::max_element(mins, mins + groups) / whole);
  out->d = f32_to_f16(d);
  out->dmin = f32_to_f16(dmin);
  for (std::size_t g = 0; g < groups; ++g) {
    const int scale = round_within(scales[g] * inverse(d), 0, scaling.scale_max);
    const int min = round_within(mins[g] * inverse(dmin), 0, scaling.scale_max);
    out->scale[g] = static_cast<std::int8_t>(scale);
    out->min[g] = static_cast<std::uint8_t>(min);
    const float step = inverse(d * static_cast<float>(scale));
    const float shift = dmin * static_cast<float>(min);
    for (std::size_t e = scaling.group * g; e < scaling.group * (g + 1); ++e)
      out->code[e] =
          static_cast<std::uint8_t>(round_within((x[e] + shift) * step, 0, scaling.code_max));
  }
}

}  // namespace kernels::formats
