#include "kernels/formats/tq2_0.h"

#include <cmath>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {

void TQ2_0::read(const std::uint8_t* block, BlockCodes* out) {
  read_bit_pairs(block, out->code);
  out->d = read_u16(block + 64);
}

void TQ2_0::quantize(const float* x, std::uint8_t* block) {
  const float d = std::fabs(extreme(x, 256));
  const float id = inverse(d);
  std::uint8_t code[256];
  for (unsigned e = 0; e < 256; ++e)
    code[e] = static_cast<std::uint8_t>(round_within(x[e] * id, -1, 1) + 1);
  write_bit_pairs(code, block);
  write_u16(block + 64, f32_to_f16(d));
}

}  // namespace kernels::formats
