// Every tile format. KERNELS_TILES(X) names them in the order of TileFormat: X(type, name).
#ifndef KERNELS_CUDA_TILES_ALL_TILES_H_
#define KERNELS_CUDA_TILES_ALL_TILES_H_

#include "kernels/cuda/tiles/bf16_tile.h"
#include "kernels/cuda/tiles/e4m3_tile.h"
#include "kernels/cuda/tiles/mxfp4_tile.h"
#include "kernels/cuda/tiles/q4_0_tile.h"
#include "kernels/cuda/tiles/q4_k_tile.h"
#include "kernels/cuda/tiles/q6_k_tile.h"
#include "kernels/cuda/tiles/q8_0_tile.h"
#include "kernels/cuda/tiles/split_bf16_tile.h"

#define KERNELS_TILES(X)       \
  X(Bf16Tile, bf16)            \
  X(SplitBf16Tile, split_bf16) \
  X(E4m3Tile, e4m3)            \
  X(Q8_0Tile, q8_0)            \
  X(Q4_0Tile, q4_0)            \
  X(Q4_KTile, q4_k)            \
  X(Q6_KTile, q6_k)            \
  X(Mxfp4Tile, mxfp4)

#endif  // KERNELS_CUDA_TILES_ALL_TILES_H_
