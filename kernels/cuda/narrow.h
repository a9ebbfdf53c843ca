// Sizes as kernels take them.
#ifndef KERNELS_CUDA_NARROW_H_
#define KERNELS_CUDA_NARROW_H_

#include <cstddef>
#include <cstdint>

#include "kernels/check.h"

namespace kernels::cuda {

// One that 32 bits do not hold is a bug of the caller: no matrix and no step is as large.
inline std::uint32_t narrow(std::size_t value) {
  KERNELS_CHECK(value <= UINT32_MAX);
  return static_cast<std::uint32_t>(value);
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_NARROW_H_
