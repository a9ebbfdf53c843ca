#include "kernels/formats/rounding.h"

#include <algorithm>
#include <cmath>

#include "kernels/half.h"

namespace kernels::formats {

float extreme(const float* x, std::size_t count) {
  return *std::max_element(x, x + count,
                           [](float a, float b) { return std::fabs(a) < std::fabs(b); });
}

float inverse(float value) {
  const float result = 1.0F / value;
  return std::isfinite(result) ? result : 0.0F;
}

int round_within(float value, int lowest, int highest) {
  return std::clamp(static_cast<int>(std::lround(value)), lowest, highest);
}

std::uint8_t truncate_within(float value, int highest) {
  const float kept = value > 0 ? std::min(value, static_cast<float>(highest)) : 0;  // NaN gives 0
  return static_cast<std::uint8_t>(kept);
}

float kept_as_f16(float value) {
  return f16_to_f32(f32_to_f16(value));
}

std::uint8_t nearest(const std::int8_t* table, float step, float x) {
  std::uint8_t best = 0;
  float least = std::fabs(step * static_cast<float>(table[0]) - x);
  for (std::uint8_t i = 1; i < 16; ++i) {
    const float error = std::fabs(step * static_cast<float>(table[i]) - x);
    if (error < least) {
      least = error;
      best = i;
    }
  }
  return best;
}

}  // namespace kernels::formats
