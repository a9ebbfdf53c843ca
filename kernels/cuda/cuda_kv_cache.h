// The paged KV cache in the arena.
#ifndef KERNELS_CUDA_CUDA_KV_CACHE_H_
#define KERNELS_CUDA_CUDA_KV_CACHE_H_

#include <utility>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/cuda_memory.h"

namespace kernels::cuda {

class CudaKvCache final : public KvCache {
 public:
  CudaKvCache(const KvShape& shape, KvFormat format, DeviceRange range)
      : KvCache(shape, format), range_(std::move(range)) {}

  KvMemory memory() const {
    const KvShape& of = shape();
    KvMemory memory;
    memory.data = range_.data();
    memory.format = format();
    memory.layers = static_cast<std::uint32_t>(of.layers);
    memory.kv_heads = static_cast<std::uint32_t>(of.kv_heads);
    memory.head_dim = static_cast<std::uint32_t>(of.head_dim);
    memory.block_tokens = static_cast<std::uint32_t>(of.block_tokens);
    memory.blocks = static_cast<std::uint32_t>(of.blocks);
    return memory;
  }

 private:
  DeviceRange range_;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_KV_CACHE_H_
