#include "kernels/formats/iq4_xs.h"

#include <cmath>
#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {

void IQ4_XS::read(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  const unsigned upper = read_u16(block + 2);
  for (unsigned g = 0; g < 8; ++g) {
    const unsigned low = bits(block[4 + g / 2], 4 * (g % 2), 4);
    const unsigned scale = low | ((upper >> (2 * g)) & 3U) << 4U;
    out->scale[g] = static_cast<std::int8_t>(static_cast<int>(scale) - 32);
    read_nibbles(block + 8 + 16 * g, 16, out->code + 32 * g);
  }
}

void IQ4_XS::quantize(const float* x, std::uint8_t* block) {
  // The element of largest magnitude of a group becomes -127 steps, whatever its sign.
  float steps[8];
  for (unsigned g = 0; g < 8; ++g) steps[g] = extreme(x + 32 * g, 32) / -127.0F;
  const float d = kept_as_f16(std::fabs(extreme(steps, 8)) / 31.0F);
  std::memset(block, 0, 8);
  write_u16(block, f32_to_f16(d));
  for (unsigned g = 0; g < 8; ++g) {
    const int scale = round_within(steps[g] * inverse(d), -32, 31);
    const float step = d * static_cast<float>(scale);
    std::uint8_t code[32];
    for (unsigned i = 0; i < 32; ++i) code[i] = nearest(kTable, step, x[32 * g + i]);
    const auto scale_bits = static_cast<unsigned>(scale + 32);
    add_bits(&block[2 + g / 4], scale_bits >> 4U, 2 * (g % 4));
    add_bits(&block[4 + g / 2], scale_bits & 15U, 4 * (g % 2));
    write_nibbles(code, 16, block + 8 + 16 * g);
  }
}

}  // namespace kernels::formats
