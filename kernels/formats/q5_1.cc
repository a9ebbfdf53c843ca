#include "kernels/formats/q5_1.h"

#include <algorithm>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/fifth_bits.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {

void Q5_1::read(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  out->dmin = read_u16(block + 2);
  read_five_bits(block + 4, out->code);
}

void Q5_1::quantize(const float* x, std::uint8_t* block) {
  const auto [lowest, highest] = std::minmax_element(x, x + 32);
  const float d = (*highest - *lowest) / 31.0F;
  const float id = inverse(d);
  std::uint8_t code[32];
  for (unsigned i = 0; i < 32; ++i) code[i] = truncate_within((x[i] - *lowest) * id + 0.5F, 31);
  write_u16(block, f32_to_f16(d));
  write_u16(block + 2, f32_to_f16(*lowest));
  write_five_bits(code, block + 4);
}

}  // namespace kernels::formats
