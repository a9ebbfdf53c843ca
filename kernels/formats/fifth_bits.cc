#include "kernels/formats/fifth_bits.h"

#include <cstring>

#include "kernels/formats/bytes.h"

namespace kernels::formats {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101U;

// Bit i of a byte as byte i, 0 or 1: eight copies, of which each keeps a bit of its own; what is
// not zero then reaches the top bit when 127 is added.
std::uint64_t spread_bits(std::uint8_t byte) {
  const std::uint64_t own = kOnes * byte & 0x8040201008040201U;
  return (own + 0x7f * kOnes) >> 7U & kOnes;
}

}  // namespace

void read_five_bits(const std::uint8_t* packed, std::uint8_t* code) {
  read_nibbles(packed + 4, 16, code);
  for (unsigned i = 0; i < 4; ++i) {
    std::uint64_t codes = 0;
    std::memcpy(&codes, code + 8 * i, sizeof codes);
    codes |= spread_bits(packed[i]) << 4U;
    std::memcpy(code + 8 * i, &codes, sizeof codes);
  }
}

void write_five_bits(const std::uint8_t* code, std::uint8_t* packed) {
  std::uint32_t fifth = 0;
  for (unsigned i = 0; i < 32; ++i) fifth |= std::uint32_t{code[i]} >> 4U << i;
  std::memcpy(packed, &fifth, sizeof fifth);
  write_nibbles(code, 16, packed + 4);
}

}  // namespace kernels::formats
