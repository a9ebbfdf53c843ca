// Copies a block of the cache in every layer: block_y is the layer.
#ifndef KERNELS_CUDA_COPY_BLOCK_KERNEL_H_
#define KERNELS_CUDA_COPY_BLOCK_KERNEL_H_

#include "kernels/cuda/attention_tile.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

// A multiple of 16 bytes, shared out over all threads of the layer's blocks.
KERNELS_DEVICE void copy_run(const std::uint8_t* from, std::uint8_t* to, std::uint64_t bytes) {
  const std::uint64_t step = std::uint64_t{blocks_x()} * threads();
  for (std::uint64_t i = std::uint64_t{block_x()} * threads() + thread(); i < bytes / sizeof(Chunk);
       i += step) {
    reinterpret_cast<Chunk*>(to)[i] = reinterpret_cast<const Chunk*>(from)[i];
  }
}

KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) copy_kv_block(CopyBlockArguments a) {
  wait_for_former();
  allow_next();
  std::uint8_t* codes = a.codes + block_y() * a.layer_bytes;
  std::uint8_t* scales = a.scales + block_y() * a.scale_layer_bytes;
  copy_run(codes + a.from * a.block_bytes, codes + a.to * a.block_bytes, a.block_bytes);
  copy_run(scales + a.from * a.scale_block_bytes, scales + a.to * a.scale_block_bytes,
           a.scale_block_bytes);
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_COPY_BLOCK_KERNEL_H_
