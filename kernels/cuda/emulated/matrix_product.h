// The arithmetic of an emulated tensor core. The products of 16-bit floats are exact, they are
// summed in double in ascending k, and the accumulator and their sum are rounded to float once. A
// tensor core keeps fewer bits and another order, which are not documented: results differ in the
// last places.
#ifndef KERNELS_CUDA_EMULATED_MATRIX_PRODUCT_H_
#define KERNELS_CUDA_EMULATED_MATRIX_PRODUCT_H_

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/emulated/calls.h"

namespace kernels::cuda::emulated {

// The operands of one warp: its 32 lanes' fragments, as portable.h lays them out.
struct LaneFragments {
  const std::uint32_t* a = nullptr;  // [4]
  const std::uint32_t* b = nullptr;  // [2]; null where B comes from shared memory
  float* d = nullptr;                // [n / 2]
};

inline constexpr std::size_t kWarpLanes = 32;

// d += a b with b of 16 x 8 from the lanes' registers.
void multiply_fragments(Half type, const LaneFragments (&lanes)[kWarpLanes]);

// d += a b with b of 16 x n (n a multiple of 8), bf16, K-major in shared memory: `tile`
// begins with row 0 of rows of 128 bytes, in the 128-byte swizzle; the 16 columns begin at byte
// `column_bytes` (0, 32, 64, 96) of a row.
void multiply_swizzled(std::size_t n, const LaneFragments (&lanes)[kWarpLanes],
                       const unsigned char* tile, std::size_t column_bytes);

}  // namespace kernels::cuda::emulated

#endif  // KERNELS_CUDA_EMULATED_MATRIX_PRODUCT_H_
