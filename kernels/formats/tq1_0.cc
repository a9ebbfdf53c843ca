#include "kernels/formats/tq1_0.h"

#include <cmath>

#include "kernels/block_codes.h"
#include "kernels/formats/bytes.h"
#include "kernels/formats/rounding.h"
#include "kernels/half.h"

namespace kernels::formats {
namespace {

// Where the digits of a run of bytes go: digit n of byte i to element first + n * bytes + i.
struct Run {
  unsigned first;
  unsigned byte;
  unsigned bytes;
  unsigned digits;
};
constexpr Run kRuns[] = {{0, 0, 32, 5}, {160, 32, 16, 5}, {240, 48, 4, 4}};
constexpr unsigned kPowers[] = {1, 3, 9, 27, 81};

}  // namespace

void TQ1_0::read(const std::uint8_t* block, BlockCodes* out) {
  for (const Run& run : kRuns) {
    for (unsigned n = 0; n < run.digits; ++n) {
      std::uint8_t* code = out->code + run.first + n * run.bytes;
      for (unsigned i = 0; i < run.bytes; ++i) {
        // Times 3^n the digits before n are whole and fall off; times 3 more, n is what is whole.
        const unsigned fraction = (block[run.byte + i] * kPowers[n]) & 255U;
        code[i] = static_cast<std::uint8_t>(fraction * 3U >> 8U);
      }
    }
  }
  out->d = read_u16(block + 52);
}

void TQ1_0::quantize(const float* x, std::uint8_t* block) {
  const float d = std::fabs(extreme(x, 256));
  const float id = inverse(d);
  for (const Run& run : kRuns) {
    for (unsigned i = 0; i < run.bytes; ++i) {
      unsigned number = 0;  // below 3^5 = 243; four digits stand at the front of five
      for (unsigned n = 0; n < run.digits; ++n) {
        const int code = round_within(x[run.first + n * run.bytes + i] * id, -1, 1) + 1;
        number += static_cast<unsigned>(code) * kPowers[4 - n];
      }
      block[run.byte + i] = static_cast<std::uint8_t>((number * 256U + 242U) / 243U);
    }
  }
  write_u16(block + 52, f32_to_f16(d));
}

}  // namespace kernels::formats
