// The codes of one block of 32 columns of a panel, four columns at a time, as bytes: what is packed
// in nibbles, bit pairs and upper bits (packed_weight.h) taken apart in registers.
#ifndef KERNELS_CPU_PANEL_CODES_H_
#define KERNELS_CPU_PANEL_CODES_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/formats/block_format.h"

namespace kernels::cpu {
namespace {

// Bytes of the two parts of a block of 32 columns.
template <typename Format>
constexpr std::size_t kLowBytes = Format::kLowBits * 64;
template <typename Format>
constexpr std::size_t kUpperBytes = Format::kUpperBits * 64;

// Signed codes are multiplied as they are; unsigned ones are at most kCodeMax.
template <typename Format>
constexpr bool kSignedCodes = Format::kLowBits == 8 || Format::kHasTable;
template <typename Format>
constexpr unsigned kCodeMax = kSignedCodes<Format>
                                  ? 255
                                  : (1U << (Format::kLowBits + Format::kUpperBits)) - 1;

// Which of the eight groups of four columns stand in one vector: the order to visit them in.
template <typename Format>
constexpr std::size_t group_in_order(std::size_t i) {
  constexpr std::size_t kVectors = Format::kLowBits;  // of a block
  constexpr std::size_t kPerVector = 8 / kVectors;
  return i / kPerVector + kVectors * (i % kPerVector);
}

template <typename L, typename Format>
struct PanelCodes {
  typename L::Table table;

  KERNELS_INLINE PanelCodes() {
    if constexpr (Format::kHasTable) table = L::load_table(Format::kTable);
  }

  // Codes of columns 4 * kGroup … 4 * kGroup + 3.
  template <std::size_t kGroup>
  KERNELS_INLINE typename L::Bytes group(const std::uint8_t* low, const std::uint8_t* upper) const {
    auto codes = low_part<kGroup>(low);
    if constexpr (Format::kUpperBits == 1) {
      constexpr int kShift = static_cast<int>(Format::kLowBits) - static_cast<int>(kGroup);
      codes = L::template insert_bits<kShift, 1 << Format::kLowBits>(codes, L::load_bytes(upper));
    } else if constexpr (Format::kUpperBits == 2) {
      constexpr int kShift = static_cast<int>(Format::kLowBits) - 2 * static_cast<int>(kGroup % 4);
      const auto bits = L::load_bytes(upper + 64 * (kGroup / 4));
      codes = L::template insert_bits<kShift, 3 << Format::kLowBits>(codes, bits);
    }
    if constexpr (Format::kHasTable) codes = L::look_up(table, codes);
    return codes;
  }

 private:
  template <std::size_t kGroup>
  KERNELS_INLINE static typename L::Bytes low_part(const std::uint8_t* low) {
    constexpr std::size_t kVectors = Format::kLowBits;
    const auto bytes = L::load_bytes(low + 64 * (kGroup % kVectors));
    if constexpr (Format::kLowBits == 8) {
      return bytes;
    } else {
      constexpr int kShift = static_cast<int>(kGroup / kVectors * Format::kLowBits);
      return L::template take_bits<kShift, (1 << Format::kLowBits) - 1>(bytes);
    }
  }
};

// The zero of the codes, taken off every product at once: -kZero * (sum of q), of a block or of
// half of one.
template <typename L, bool kSigned, int kZero>
KERNELS_INLINE typename L::I start_of_block(const QuantBlock& x) {
  static_assert(kZero == 0 || kZero == 1 || kZero == 8 || kZero == 16);
  if constexpr (kSigned) {
    return L::signed_start(x);
  } else if constexpr (kZero == 1) {
    return L::template shift_right<3>(L::broadcast_int(x.start8));
  } else if constexpr (kZero == 8) {
    return L::broadcast_int(x.start8);
  } else if constexpr (kZero == 16) {
    return L::template shift_left<1>(L::broadcast_int(x.start8));
  } else {
    return L::broadcast_int(0);
  }
}

template <typename L, int kZero>
KERNELS_INLINE typename L::I start_of_half(const QuantBlock& x, std::size_t half) {
  static_assert(kZero == 0 || kZero == 4 || kZero == 32);
  if constexpr (kZero == 4) {
    return L::template shift_right<3>(L::broadcast_int(x.start32[half]));
  } else if constexpr (kZero == 32) {
    return L::broadcast_int(x.start32[half]);
  } else {
    return L::broadcast_int(0);
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_PANEL_CODES_H_
