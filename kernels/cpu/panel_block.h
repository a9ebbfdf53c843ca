// One block of one row, written into its lane of a panel and read back (packed_weight.h has the
// layout). Templates over the descriptions in kernels/formats; for packed_weight.cc alone.
#ifndef KERNELS_CPU_PANEL_BLOCK_H_
#define KERNELS_CPU_PANEL_BLOCK_H_

#include <cstdint>
#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/formats/block_format.h"

namespace kernels::cpu {

constexpr std::size_t kVector = 64;  // bytes: "lanes x 4"

// Where the parts of one block (32 or 256 columns) of a panel lie.
struct PanelBlock {
  std::uint8_t* codes;
  std::uint8_t* upper;
  std::uint8_t* scales;
};

// The four codes of a k-group as one word, a byte each: loading a model waits for packing.
inline std::uint32_t load_word(const std::uint8_t* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

inline void store_word(std::uint8_t* at, std::uint32_t word) {
  std::memcpy(at, &word, sizeof word);
}

// A part of a panel that holds kBits of each code, from bit kFrom on. Per 32 columns it has kBits
// vectors. A vector has a field of kBits for each of 8 / kBits k-groups, the lowest first: those
// are neighbours (kStride 1), or `vectors` apart.
template <unsigned kBits, unsigned kFrom, bool kNeighbours>
struct BitPart {
  static constexpr std::uint32_t kMask = 0x01010101U * ((1U << kBits) - 1U);
  static constexpr unsigned kFields = 8 / kBits;

  static constexpr unsigned group(unsigned vector, unsigned field) {
    return kNeighbours ? kFields * vector + field : vector + kBits * field;
  }

  static void write(const std::uint8_t* codes, std::size_t lane, std::uint8_t* part) {
    for (unsigned v = 0; v < kBits; ++v) {
      std::uint32_t word = 0;
      for (unsigned f = 0; f < kFields; ++f)
        word |= (load_word(codes + 4 * group(v, f)) >> kFrom & kMask) << (kBits * f);
      store_word(part + kVector * v + 4 * lane, word);
    }
  }

  // Adds the bits to codes whose own are zero there.
  static void read(const std::uint8_t* part, std::size_t lane, std::uint8_t* codes) {
    for (unsigned v = 0; v < kBits; ++v) {
      const std::uint32_t word = load_word(part + kVector * v + 4 * lane);
      for (unsigned f = 0; f < kFields; ++f) {
        std::uint8_t* at = codes + 4 * group(v, f);
        store_word(at, load_word(at) | (word >> (kBits * f) & kMask) << kFrom);
      }
    }
  }
};

template <typename F>
void write_codes(const BlockCodes& codes, std::size_t lane, const PanelBlock& block) {
  for (std::size_t b = 0; b < formats::kBlockElements<F::kScales> / kBlock; ++b) {
    const std::uint8_t* from = codes.code + kBlock * b;
    BitPart<F::kLowBits, 0, false>::write(from, lane, block.codes + kVector * F::kLowBits * b);
    if constexpr (F::kUpperBits > 0) {
      BitPart<F::kUpperBits, F::kLowBits, true>::write(from, lane,
                                                       block.upper + kVector * F::kUpperBits * b);
    }
  }
}

template <typename F>
void read_codes(const PanelBlock& block, std::size_t lane, BlockCodes* out) {
  constexpr std::size_t kElements = formats::kBlockElements<F::kScales>;
  std::memset(out->code, 0, kElements);
  for (std::size_t b = 0; b < kElements / kBlock; ++b) {
    std::uint8_t* to = out->code + kBlock * b;
    BitPart<F::kLowBits, 0, false>::read(block.codes + kVector * F::kLowBits * b, lane, to);
    if constexpr (F::kUpperBits > 0) {
      BitPart<F::kUpperBits, F::kLowBits, true>::read(block.upper + kVector * F::kUpperBits * b,
                                                      lane, to);
    }
  }
}

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_PANEL_BLOCK_H_
