#include "kernels/formats/q4_k.h"

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/k_scales.h"

namespace kernels::formats {

void Q4_K::read(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  out->dmin = read_u16(block + 2);
  read_scales_and_mins(block + 4, out);
  for (unsigned pair = 0; pair < 4; ++pair)
    read_nibbles(block + 16 + 32 * pair, 32, out->code + 64 * pair);
}

void Q4_K::quantize(const float* x, std::uint8_t* block) {
  BlockCodes codes;
  quantize_with_mins(x, {.group = 32, .scale_max = 63, .code_max = 15}, &codes);
  write_u16(block, codes.d);
  write_u16(block + 2, codes.dmin);
  write_scales_and_mins(codes, block + 4);
  for (unsigned pair = 0; pair < 4; ++pair)
    write_nibbles(codes.code + 64 * pair, 32, block + 16 + 32 * pair);
}

}  // namespace kernels::formats
