#include "kernels/formats/q8_0.h"

#include <cmath>
#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {

void Q8_0::read(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  std::memcpy(out->code, block + 2, 32);
}

void Q8_0::quantize(const float* x, std::uint8_t* block) {
  const float d = std::fabs(extreme(x, 32)) / 127.0F;
  const float id = inverse(d);
  write_u16(block, f32_to_f16(d));
  for (unsigned i = 0; i < 32; ++i)
    block[2 + i] = static_cast<std::uint8_t>(round_within(x[i] * id, -127, 127));
}

}  // namespace kernels::formats
