#include "kernels/formats/iq4_nl.h"

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {

void IQ4_NL::read(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  read_nibbles(block + 2, 16, out->code);
}

void IQ4_NL::quantize(const float* x, std::uint8_t* block) {
  // The element of largest magnitude becomes the largest of the table, -127, whatever its sign.
  const float d = kept_as_f16(extreme(x, 32) / -127.0F);
  std::uint8_t code[32];
  for (unsigned i = 0; i < 32; ++i) code[i] = nearest(kTable, d, x[i]);
  write_u16(block, f32_to_f16(d));
  write_nibbles(code, 16, block + 2);
}

}  // namespace kernels::formats
