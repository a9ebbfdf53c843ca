#include "kernels/formats/q6_k.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {

void Q6_K::read(const std::uint8_t* block, BlockCodes* out) {
  for (unsigned half = 0; half < 2; ++half) {
    const std::uint8_t* upper = block + 128 + 32 * half;
    std::uint8_t* code = out->code + 128 * half;
    read_nibbles(block + 64 * half, 64, code);
    for (unsigned quarter = 0; quarter < 4; ++quarter) {
      std::uint8_t* at = code + 32 * quarter;
      for (unsigned i = 0; i < 32; ++i)
        at[i] = static_cast<std::uint8_t>(at[i] | bits(upper[i], 2 * quarter, 2) << 4U);
    }
  }
  std::memcpy(out->scale, block + 192, 16);
  out->d = read_u16(block + 208);
}

void Q6_K::quantize(const float* x, std::uint8_t* block) {
  float steps[16];
  for (unsigned g = 0; g < 16; ++g) steps[g] = std::fabs(extreme(x + 16 * g, 16)) / 31.0F;
  const float d = kept_as_f16(*std::max_element(steps, steps + 16) / 127.0F);
  std::uint8_t code[256];
  for (unsigned g = 0; g < 16; ++g) {
    const int scale = round_within(steps[g] * inverse(d), -128, 127);
    block[192 + g] = static_cast<std::uint8_t>(scale);
    const float step = inverse(d * static_cast<float>(scale));
    for (unsigned e = 16 * g; e < 16 * g + 16; ++e)
      code[e] = static_cast<std::uint8_t>(round_within(x[e] * step, -32, 31) + 32);
  }
  for (unsigned half = 0; half < 2; ++half) write_nibbles(code + 128 * half, 64, block + 64 * half);
  std::memset(block + 128, 0, 64);
  for (unsigned e = 0; e < 256; ++e)
    add_bits(&block[128 + 32 * (e / 128) + e % 32], code[e] >> 4U, 2 * (e % 128 / 32));
  write_u16(block + 208, f32_to_f16(d));
}

}  // namespace kernels::formats
