#include "kernels/formats/q3_k.h"

#include <cmath>
#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {
namespace {

// Sixteen scales of 6 bits in 12 bytes: bytes 0-7 hold the low nibbles of scales 0-7 and, above
// them, of 8-15; bits 2j, 2j + 1 of byte 8 + i are the upper bits of scale 4j + i.
void read_scales(const std::uint8_t* packed, std::int8_t* scale) {
  std::uint8_t low[16];
  read_nibbles(packed, 8, low);
  for (unsigned j = 0; j < 4; ++j) {
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned upper = bits(packed[8 + i], 2 * j, 2);
      scale[4 * j + i] =
          static_cast<std::int8_t>(static_cast<int>(low[4 * j + i] | upper << 4U) - 32);
    }
  }
}

void write_scales(const int* scale, std::uint8_t* packed) {
  std::memset(packed, 0, 12);
  for (unsigned g = 0; g < 16; ++g) {
    const auto bits_of = static_cast<unsigned>(scale[g] + 32);
    add_bits(&packed[g % 8], bits_of & 15U, 4 * (g / 8));
    add_bits(&packed[8 + g % 4], bits_of >> 4U, 2 * (g / 4));
  }
}

}  // namespace

void Q3_K::read(const std::uint8_t* block, BlockCodes* out) {
  read_bit_pairs(block + 32, out->code);
  for (unsigned run = 0; run < 8; ++run) {
    std::uint8_t* code = out->code + 32 * run;
    for (unsigned i = 0; i < 32; ++i)
      code[i] = static_cast<std::uint8_t>(code[i] | bits(block[i], run, 1) << 2U);
  }
  read_scales(block + 96, out->scale);
  out->d = read_u16(block + 108);
}

void Q3_K::quantize(const float* x, std::uint8_t* block) {
  // The element of largest magnitude of a group becomes -4 steps, whatever its sign.
  float steps[16];
  for (unsigned g = 0; g < 16; ++g) steps[g] = extreme(x + 16 * g, 16) / -4.0F;
  const float d = kept_as_f16(std::fabs(extreme(steps, 16)) / 31.0F);
  int scale[16];
  std::uint8_t code[256];
  for (unsigned g = 0; g < 16; ++g) {
    scale[g] = round_within(steps[g] * inverse(d), -32, 31);
    const float step = inverse(d * static_cast<float>(scale[g]));
    for (unsigned e = 16 * g; e < 16 * g + 16; ++e)
      code[e] = static_cast<std::uint8_t>(round_within(x[e] * step, -4, 3) + 4);
  }
  std::memset(block, 0, 32);
  for (unsigned e = 0; e < 256; ++e) add_bits(&block[e % 32], code[e] >> 2U, e / 32);
  write_bit_pairs(code, block + 32);
  write_scales(scale, block + 96);
  write_u16(block + 108, f32_to_f16(d));
}

}  // namespace kernels::formats
