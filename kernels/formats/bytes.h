// Words and bit fields of block formats: for the sources of this folder, not for kernels.
#ifndef KERNELS_FORMATS_BYTES_H_
#define KERNELS_FORMATS_BYTES_H_

#include <cstdint>
#include <cstring>

namespace kernels::formats {

inline std::uint16_t read_u16(const std::uint8_t* at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline void write_u16(std::uint8_t* at, std::uint16_t value) {
  std::memcpy(at, &value, sizeof value);
}

inline std::uint8_t low_nibble(std::uint8_t byte) {
  return byte & 0x0fU;
}

inline std::uint8_t high_nibble(std::uint8_t byte) {
  return static_cast<std::uint8_t>(byte >> 4U);
}

// `count` bits of a byte, from bit `at`.
inline std::uint8_t bits(std::uint8_t byte, unsigned at, unsigned count) {
  return static_cast<std::uint8_t>((unsigned{byte} >> at) & ((1U << count) - 1U));
}

// Sets bits of a byte that are still zero, from bit `at`.
inline void add_bits(std::uint8_t* byte, unsigned value, unsigned at) {
  *byte = static_cast<std::uint8_t>(*byte | value << at);
}

// `half` bytes of nibbles: the low ones are the first `half` codes, the high ones the next.
inline void read_nibbles(const std::uint8_t* nibbles, unsigned half, std::uint8_t* code) {
  for (unsigned i = 0; i < half; ++i) {
    code[i] = low_nibble(nibbles[i]);
    code[half + i] = high_nibble(nibbles[i]);
  }
}

// The inverse; of a code only the low four bits are taken.
inline void write_nibbles(const std::uint8_t* code, unsigned half, std::uint8_t* nibbles) {
  for (unsigned i = 0; i < half; ++i)
    nibbles[i] = static_cast<std::uint8_t>((code[i] & 15U) | (code[half + i] & 15U) << 4U);
}

// 64 bytes that hold 256 codes of two bits: element 32j + i of a half is bits 2j, 2j + 1 of its
// byte i. Q2_K, Q3_K and TQ2_0 have it.
inline void read_bit_pairs(const std::uint8_t* pairs, std::uint8_t* code) {
  for (unsigned run = 0; run < 8; ++run) {
    const std::uint8_t* half = pairs + 32 * (run / 4);
    for (unsigned i = 0; i < 32; ++i) code[32 * run + i] = bits(half[i], 2 * (run % 4), 2);
  }
}

// The inverse; of a code only the low two bits are taken.
inline void write_bit_pairs(const std::uint8_t* code, std::uint8_t* pairs) {
  std::memset(pairs, 0, 64);
  for (unsigned run = 0; run < 8; ++run) {
    std::uint8_t* half = pairs + 32 * (run / 4);
    for (unsigned i = 0; i < 32; ++i) add_bits(&half[i], code[32 * run + i] & 3U, 2 * (run % 4));
  }
}

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_BYTES_H_
