#include "kernels/formats/mxfp4.h"

#include <cmath>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"

namespace kernels::formats {

void MXFP4::read(const std::uint8_t* block, BlockCodes* out) {
  out->d = block[0];
  read_nibbles(block + 1, 16, out->code);
}

void MXFP4::quantize(const float* x, std::uint8_t* block) {
  // The largest power of two of E2M1 is 4, so the block's own largest is brought to 4 … 8.
  const float largest = std::fabs(extreme(x, 32));
  const float exponent = largest > 0 ? std::floor(std::log2(largest)) - 2.0F + 127.0F : 0.0F;
  block[0] = truncate_within(exponent, 254);
  const float d = std::ldexp(1.0F, block[0] - 128);
  std::uint8_t code[32];
  for (unsigned i = 0; i < 32; ++i) code[i] = nearest(kTable, d, x[i]);
  write_nibbles(code, 16, block + 1);
}

}  // namespace kernels::formats
