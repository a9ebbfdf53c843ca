// Where an element of a tile lies among the threads of its warpgroup: the A fragment of portable.h,
// for both kinds of tensor core instruction.
#ifndef KERNELS_CUDA_TILES_FRAGMENT_PLACE_H_
#define KERNELS_CUDA_TILES_FRAGMENT_PLACE_H_

#include <cstdint>

#include "kernels/cuda/portable/portable.h"

namespace kernels::cuda {

struct FragmentPlace {
  std::uint32_t step;    // k16 step of the record
  std::uint32_t thread;  // 0 … 127 of the warpgroup: 32 * warp + lane
  std::uint32_t reg;     // 0 … 3 of its fragment
  std::uint32_t half;    // 0: the register's lower 16 bits
};

// row 0 … 63 of the tile, col of the record.
KERNELS_DEVICE constexpr FragmentPlace fragment_place(std::uint32_t row, std::uint32_t col) {
  const std::uint32_t g = row % 8;
  const std::uint32_t c = col % 8 / 2;
  return {col / 16, row / 16 * 32 + g * 4 + c, row / 8 % 2 + col / 8 % 2 * 2, col % 2};
}

// The row of registers 0 and 2 of a thread; registers 1 and 3 are of the row 8 further down.
KERNELS_DEVICE constexpr std::uint32_t fragment_row(std::uint32_t thread) {
  return thread / 32 * 16 + thread % 32 / 4;
}

// What formats of 4 and of 8 bits have in common: the place of a code in a record.
//   8 bits  16 bytes of a thread are two steps; byte reg % 2 + 2 * half of word reg / 2 of a step's
//   two words 4 bits  16 bytes are four steps, a word each; nibble reg + 4 * half
// A register's two codes so lie 16 bits apart, and one mask takes them both out of the word.
KERNELS_DEVICE constexpr std::uint32_t byte_offset(const FragmentPlace& at) {
  return (at.step / 2 * 128 + at.thread) * 16 + at.step % 2 * 8 + at.reg / 2 * 4 + at.reg % 2 +
         2 * at.half;
}
KERNELS_DEVICE constexpr std::uint32_t nibble_word_offset(const FragmentPlace& at) {
  return (at.step / 4 * 128 + at.thread) * 16 + at.step % 4 * 4;
}
KERNELS_DEVICE constexpr std::uint32_t nibble_shift(const FragmentPlace& at) {
  return 4 * at.reg + 16 * at.half;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_FRAGMENT_PLACE_H_
