// The kernels of linear_wgmma_kernel.h as LinearKernels, for the source that compiles them: for
// GPUs, or for the emulator.
#ifndef KERNELS_CUDA_LINEAR_WGMMA_TABLE_H_
#define KERNELS_CUDA_LINEAR_WGMMA_TABLE_H_

#include "kernels/cuda/kernel_of.h"
#include "kernels/cuda/linear_wgmma_kernel.h"

namespace kernels::cuda {

template <typename Tile, unsigned kTokens, unsigned kGroups, bool kGated>
Kernel wgmma_kernel(const char* name) {
  return kernel_of<LinearArguments, linear_wgmma_kernel<Tile, kTokens, kGroups, kGated>>(
      name, WgmmaPlan<Tile, kTokens, kGroups, kGated>::kSharedBytes);
}

// Gate and up have twice the sums and twice the weights, and so half the rows where rows are many.
inline LinearKernels wgmma_table() {
  LinearKernels table;
  std::size_t i = 0;
#define KERNELS_ENTRY(type, name)                                                          \
  table.kernels[i][0] = wgmma_kernel<type, 8, 1, false>("linear_wgmma_" #name "_n8");      \
  table.kernels[i][1] = wgmma_kernel<type, 32, 1, false>("linear_wgmma_" #name "_n32");    \
  table.kernels[i][2] = wgmma_kernel<type, 64, 2, false>("linear_wgmma_" #name "_n64");    \
  table.kernels[i][3] = wgmma_kernel<type, 128, 2, false>("linear_wgmma_" #name "_n128");  \
  table.gated[i][0] = wgmma_kernel<type, 8, 1, true>("linear_wgmma_" #name "_gated_n8");   \
  table.gated[i][1] = wgmma_kernel<type, 16, 1, true>("linear_wgmma_" #name "_gated_n16"); \
  table.gated[i][2] = wgmma_kernel<type, 32, 1, true>("linear_wgmma_" #name "_gated_n32"); \
  table.gated[i][3] = wgmma_kernel<type, 64, 2, true>("linear_wgmma_" #name "_gated_n64"); \
  ++i;
  KERNELS_TILES(KERNELS_ENTRY)
#undef KERNELS_ENTRY
  constexpr LinearKernels::Tile kTiles[] = {{8, 1}, {32, 1}, {64, 2}, {128, 2}};
  constexpr LinearKernels::Tile kGatedTiles[] = {{8, 1}, {16, 1}, {32, 1}, {64, 2}};
  for (i = 0; i < LinearKernels::kTiles; ++i) {
    table.tiles[i] = kTiles[i];
    table.gated_tiles[i] = kGatedTiles[i];
  }
  table.clusters = true;
  return table;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_WGMMA_TABLE_H_
