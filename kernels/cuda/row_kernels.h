// Lists the row kernels of the compilation that includes this: rows.cu, emulated/rows.cc.
#ifndef KERNELS_CUDA_ROW_KERNELS_H_
#define KERNELS_CUDA_ROW_KERNELS_H_

#include "kernels/cuda/kernel_of.h"
#include "kernels/cuda/rows_kernel.h"
#include "kernels/cuda/tiles/all_tiles.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

inline RowKernels list_row_kernels() {
  RowKernels kernels;
#define KERNELS_LIST_EMBED(Tile, name)                     \
  kernels.embed[static_cast<std::size_t>(Tile::kFormat)] = \
      kernel_of<EmbedArguments, embed_row<Tile>>("embed_row_" #name, 0);
  KERNELS_TILES(KERNELS_LIST_EMBED)
#undef KERNELS_LIST_EMBED
  kernels.norm = kernel_of<NormArguments, norm_row>("norm_row", 0);
  kernels.pad = kernel_of<PadArguments, pad_row>("pad_row", 0);
  kernels.gate = kernel_of<GateArguments, gate_row>("gate_row", 0);
  kernels.add_segments = kernel_of<AddSegmentsArguments, add_segments_row>("add_segments_row", 0);
  kernels.join = kernel_of<JoinArguments, join_row>("join_row", 0);
  kernels.logit_stats =
      kernel_of<LogitStatsArguments, logit_stats_row>("logit_stats_row", kRowSharedBytes);
  return kernels;
}

}  // inline namespace
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ROW_KERNELS_H_
