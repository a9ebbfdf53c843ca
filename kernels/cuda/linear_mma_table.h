// The kernels of linear_mma_kernel.h as LinearKernels, for the source that compiles them: for GPUs,
// or for the emulator.
#ifndef KERNELS_CUDA_LINEAR_MMA_TABLE_H_
#define KERNELS_CUDA_LINEAR_MMA_TABLE_H_

#include "kernels/cuda/kernel_of.h"
#include "kernels/cuda/linear_mma_kernel.h"

namespace kernels::cuda {

template <typename Tile, unsigned kTokens, bool kGated>
Kernel mma_kernel(const char* name) {
  return kernel_of<LinearArguments, linear_mma_kernel<Tile, kTokens, kGated>>(
      name, MmaPlan<Tile, kTokens, kGated>::kSharedBytes);
}

// Gate and up have twice the sums and twice the weights, and so half the rows at most.
inline LinearKernels mma_table() {
  LinearKernels table;
  std::size_t i = 0;
#define KERNELS_ENTRY(type, name)                                                   \
  table.kernels[i][0] = mma_kernel<type, 8, false>("linear_mma_" #name "_n8");      \
  table.kernels[i][1] = mma_kernel<type, 16, false>("linear_mma_" #name "_n16");    \
  table.kernels[i][2] = mma_kernel<type, 32, false>("linear_mma_" #name "_n32");    \
  table.kernels[i][3] = mma_kernel<type, 64, false>("linear_mma_" #name "_n64");    \
  table.gated[i][0] = mma_kernel<type, 8, true>("linear_mma_" #name "_gated_n8");   \
  table.gated[i][1] = mma_kernel<type, 16, true>("linear_mma_" #name "_gated_n16"); \
  table.gated[i][2] = mma_kernel<type, 32, true>("linear_mma_" #name "_gated_n32"); \
  ++i;
  KERNELS_TILES(KERNELS_ENTRY)
#undef KERNELS_ENTRY
  constexpr LinearKernels::Tile kTiles[] = {{8, 1}, {16, 1}, {32, 1}, {64, 1}};
  for (i = 0; i < LinearKernels::kTiles; ++i) {
    table.tiles[i] = kTiles[i];
    if (i < 3) table.gated_tiles[i] = kTiles[i];
  }
  return table;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_MMA_TABLE_H_
