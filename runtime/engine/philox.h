// Philox4x32-10, a random generator without state: Salmon, Moraes, Dror and Shaw, "Parallel Random
// Numbers: As Easy as 1, 2, 3", SC'11, section 3.3 and table 2.
//
// A counter of 128 bits goes through ten rounds of multiplication and exclusive or under a key of
// 64 bits. Equal inputs give equal numbers, so nothing is lost in a crash and no draw depends on
// another.
#ifndef RUNTIME_ENGINE_PHILOX_H_
#define RUNTIME_ENGINE_PHILOX_H_

#include <array>
#include <cstdint>

namespace runtime {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

constexpr PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9;  // the golden ratio
    key[1] += 0xBB67AE85;  // the square root of 3, less 1
  }
  return counter;
}

// The 64 random bits with which choice `choice` draws the token at `position` of its sequence. The
// seed is as wide as the key, so the choice has its place in the counter: no two triples share a
// draw.
constexpr std::uint64_t random_bits(std::uint64_t seed, std::uint32_t choice,
                                    std::uint32_t position) {
  const PhiloxCounter words =
      philox4x32_10({position, 0, choice, 0},
                    {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return words[0] | (std::uint64_t{words[1]} << 32);
}

}  // namespace runtime

#endif  // RUNTIME_ENGINE_PHILOX_H_
