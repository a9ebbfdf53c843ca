#include "kernels/block_codes.h"

#include <cstring>

#include "kernels/check.h"

namespace kernels {
namespace {

std::uint8_t low(std::uint8_t byte) {
  return byte & 0x0fU;
}
std::uint8_t high(std::uint8_t byte) {
  return static_cast<std::uint8_t>(byte >> 4U);
}
std::uint8_t two_bits(std::uint8_t byte, unsigned at) {
  return static_cast<std::uint8_t>((unsigned{byte} >> at) & 3U);
}

std::uint16_t read_u16(const std::uint8_t* at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// d, then 16 bytes of which byte i holds elements i and i + 16.
void read_q4_0(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  for (unsigned i = 0; i < 16; ++i) {
    out->code[i] = low(block[2 + i]);
    out->code[16 + i] = high(block[2 + i]);
  }
}

void read_q8_0(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  std::memcpy(out->code, block + 2, 32);
}

// Eight 6-bit scales and eight 6-bit mins in 12 bytes: the first four of
// each lie in the low six bits of bytes 0-3 and 4-7; of the last four,
// bytes 8-11 hold the low nibbles and the spare top bits the rest.
void read_scales_and_mins(const std::uint8_t* packed, BlockCodes* out) {
  for (unsigned i = 0; i < 4; ++i) {
    out->scale[i] = static_cast<std::int8_t>(packed[i] & 63U);
    out->min[i] = packed[4 + i] & 63U;
    out->scale[4 + i] =
        static_cast<std::int8_t>(low(packed[8 + i]) | (two_bits(packed[i], 6) << 4U));
    out->min[4 + i] =
        static_cast<std::uint8_t>(high(packed[8 + i]) | (two_bits(packed[4 + i], 6) << 4U));
  }
}

// d, dmin, 12 bytes of scales, 128 bytes: each run of 32
// bytes holds two sub-blocks, low nibbles first.
void read_q4_k(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  out->dmin = read_u16(block + 2);
  read_scales_and_mins(block + 4, out);
  const std::uint8_t* nibbles = block + 16;
  for (unsigned pair = 0; pair < 4; ++pair) {
    for (unsigned i = 0; i < 32; ++i) {
      out->code[64 * pair + i] = low(nibbles[32 * pair + i]);
      out->code[64 * pair + 32 + i] = high(nibbles[32 * pair + i]);
    }
  }
}

// As Q4_K with 32 bytes before the nibbles: bit s of byte i
// is the fifth bit of element i of sub-block s.
void read_q5_k(const std::uint8_t* block, BlockCodes* out) {
  out->d = read_u16(block);
  out->dmin = read_u16(block + 2);
  read_scales_and_mins(block + 4, out);
  const std::uint8_t* fifth = block + 16;
  const std::uint8_t* nibbles = block + 48;
  for (unsigned e = 0; e < 256; ++e) {
    const unsigned sub = e / 32;
    const unsigned i = e % 32;
    const std::uint8_t byte = nibbles[32 * (sub / 2) + i];
    const std::uint8_t nibble = sub % 2 == 0 ? low(byte) : high(byte);
    out->code[e] = static_cast<std::uint8_t>(nibble | (((fifth[i] >> sub) & 1U) << 4U));
  }
}

// 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 signed scales, d. Each half of 128
// elements has four quarters of 32: quarters 0 and 1 are the low nibbles of 64 bytes, 2 and 3 the
// high ones; quarter q has its bit pair at bit 2q.
void read_q6_k(const std::uint8_t* block, BlockCodes* out) {
  for (unsigned e = 0; e < 256; ++e) {
    const unsigned half = e / 128;
    const unsigned quarter = e % 128 / 32;
    const unsigned i = e % 32;
    const std::uint8_t byte = block[64 * half + 32 * (quarter % 2) + i];
    const std::uint8_t nibble = quarter < 2 ? low(byte) : high(byte);
    const std::uint8_t upper = two_bits(block[128 + 32 * half + i], 2 * quarter);
    out->code[e] = static_cast<std::uint8_t>(nibble | (upper << 4U));
  }
  std::memcpy(out->scale, block + 192, 16);
  out->d = read_u16(block + 208);
}

}  // namespace

void read_block(Format format, const std::uint8_t* block, BlockCodes* out) {
  switch (format) {
    case Format::kQ4_0:
      return read_q4_0(block, out);
    case Format::kQ8_0:
      return read_q8_0(block, out);
    case Format::kQ4_K:
      return read_q4_k(block, out);
    case Format::kQ5_K:
      return read_q5_k(block, out);
    case Format::kQ6_K:
      return read_q6_k(block, out);
    case Format::kF32:
    case Format::kF16:
    case Format::kBF16:
      break;
  }
  check_failed(__FILE__, __LINE__, "a format without blocks");
}

}  // namespace kernels
