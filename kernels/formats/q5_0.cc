#include "kernels/formats/q5_0.h"

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/fifth_bits.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {

void Q5_0::read(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  read_five_bits(block + 2, out->code);
}

void Q5_0::quantize(const float* x, std::uint8_t* block) {
  // The element of largest magnitude becomes code 0, that is -16 steps, whatever its sign.
  const float d = extreme(x, 32) / -16.0F;
  const float id = inverse(d);
  std::uint8_t code[32];
  for (unsigned i = 0; i < 32; ++i) code[i] = truncate_within(x[i] * id + 16.5F, 31);
  write_u16(block, f32_to_f16(d));
  write_five_bits(code, block + 2);
}

}  // namespace kernels::formats
