#include "kernels/formats/q2_k.h"

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/k_scales.h"

namespace kernels::formats {

void Q2_K::read(const std::uint8_t* block, BlockCodes* out) {
  for (unsigned g = 0; g < 16; ++g) {
    out->scale[g] = static_cast<std::int8_t>(low_nibble(block[g]));
    out->min[g] = high_nibble(block[g]);
  }
  read_bit_pairs(block + 16, out->code);
  out->d = read_u16(block + 80);
  out->dmin = read_u16(block + 82);
}

void Q2_K::quantize(const float* x, std::uint8_t* block) {
  BlockCodes codes;
  quantize_with_mins(x, {.group = 16, .scale_max = 15, .code_max = 3}, &codes);
  for (unsigned g = 0; g < 16; ++g)
    block[g] = static_cast<std::uint8_t>(static_cast<unsigned>(codes.scale[g]) |
                                         unsigned{codes.min[g]} << 4U);
  write_bit_pairs(codes.code, block + 16);
  write_u16(block + 80, codes.d);
  write_u16(block + 82, codes.dmin);
}

}  // namespace kernels::formats
