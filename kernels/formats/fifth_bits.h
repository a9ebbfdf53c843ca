// 32 bits that hold the fifth bit of each of 32 codes: Q5_0 and Q5_1.
#ifndef KERNELS_FORMATS_FIFTH_BITS_H_
#define KERNELS_FORMATS_FIFTH_BITS_H_

#include <cstdint>

namespace kernels::formats {

// 4 bytes of fifth bits, then 16 of nibbles, into 32 codes; and back.
void read_five_bits(const std::uint8_t* packed, std::uint8_t* code);
void write_five_bits(const std::uint8_t* code, std::uint8_t* packed);

}  // namespace kernels::formats

#endif  // KERNELS_FORMATS_FIFTH_BITS_H_
