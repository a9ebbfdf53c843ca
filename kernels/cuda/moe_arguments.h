// How the kernels of moe.h are launched. What they are given is the call itself.
#ifndef KERNELS_CUDA_MOE_ARGUMENTS_H_
#define KERNELS_CUDA_MOE_ARGUMENTS_H_

#include <cstdint>

#include "kernels/cuda/moe.h"

namespace kernels::cuda {

inline constexpr std::uint32_t kRoutedRows = 4;  // of a block, a warp each
inline constexpr std::uint32_t kGroupThreads = 256;
inline constexpr std::uint32_t kGatherThreads = 128;
inline constexpr std::uint32_t kCombineThreads = 256;

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_MOE_ARGUMENTS_H_
