#include "runtime/engine/philox.h"

#include <gtest/gtest.h>

#include <set>

namespace runtime {
namespace {

// The known answers published with Random123 1.14 (kat_vectors, "philox4x32 10").
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}));
  constexpr std::uint32_t kOnes = 0xFFFFFFFF;
  EXPECT_EQ(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (PhiloxCounter{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}));
  EXPECT_EQ(
      philox4x32_10({0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}, {0xA4093822, 0x299F31D0}),
      (PhiloxCounter{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}));
}

TEST(Philox, NeighboursDoNotShareADraw) {
  std::set<std::uint64_t> draws;
  for (std::uint64_t seed : {0ULL, 1ULL, 2ULL, 1ULL << 32, 2ULL << 32}) {
    for (std::uint32_t choice = 0; choice < 8; ++choice) {
      for (std::uint32_t position = 0; position < 64; ++position)
        draws.insert(random_bits(seed, choice, position));
    }
  }
  EXPECT_EQ(draws.size(), 5U * 8 * 64);
}

// A change here would change what every recorded request replays to.
TEST(Philox, DrawsAreFixedForEver) {
  EXPECT_EQ(random_bits(0, 0, 0), 0xE169C58D6627E8D5U);
}

}  // namespace
}  // namespace runtime
