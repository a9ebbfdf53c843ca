#include "kernels/formats/q5_k.h"

#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/k_scales.h"

namespace kernels::formats {

void Q5_K::read(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  out->dmin = read_u16(block + 2);
  read_scales_and_mins(block + 4, out);
  const std::uint8_t* fifth = block + 16;
  for (unsigned pair = 0; pair < 4; ++pair)
    read_nibbles(block + 48 + 32 * pair, 32, out->code + 64 * pair);
  for (unsigned g = 0; g < 8; ++g) {
    std::uint8_t* code = out->code + 32 * g;
    for (unsigned i = 0; i < 32; ++i)
      code[i] = static_cast<std::uint8_t>(code[i] | bits(fifth[i], g, 1) << 4U);
  }
}

void Q5_K::quantize(const float* x, std::uint8_t* block) {
  BlockCodes codes;
  quantize_with_mins(x, {.group = 32, .scale_max = 63, .code_max = 31}, &codes);
  write_u16(block, codes.d);
  write_u16(block + 2, codes.dmin);
  write_scales_and_mins(codes, block + 4);
  std::memset(block + 16, 0, 32);
  for (unsigned e = 0; e < 256; ++e) add_bits(&block[16 + e % 32], codes.code[e] >> 4U, e / 32);
  for (unsigned pair = 0; pair < 4; ++pair)
    write_nibbles(codes.code + 64 * pair, 32, block + 48 + 32 * pair);
}

}  // namespace kernels::formats
