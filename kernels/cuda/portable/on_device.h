// The kernel language for nvcc: see portable.h. Sources: CUDA C++ Programming Guide (built-in
// variables, warp shuffles, atomics, memory fences); PTX ISA 9.0, sections 9.7.13.1 (bar), 9.7.13.3
// (barrier.cluster), 9.7.13.13 (griddepcontrol), and mapa in 9.7.9.
#ifndef KERNELS_CUDA_PORTABLE_ON_DEVICE_H_
#define KERNELS_CUDA_PORTABLE_ON_DEVICE_H_

#include <cstdint>

#include "kernels/cuda/portable/device_copies.h"
#include "kernels/cuda/portable/device_matrix.h"
#include "kernels/cuda/portable/device_numbers.h"
#include "kernels/cuda/portable/device_wgmma.h"

// Not __host__ as well: such a function may call none of those below. Hosts may call it where it is
// constexpr
// (--expt-relaxed-constexpr).
#define KERNELS_DEVICE __device__ __forceinline__
#define KERNELS_GLOBAL __global__
#define KERNELS_BOUNDS(threads_max, blocks_min) __launch_bounds__(threads_max, blocks_min)
#define KERNELS_SHARED(p)                                                   \
  extern __shared__ __align__(1024) unsigned char kernels_dynamic_shared[]; \
  unsigned char* p = kernels_dynamic_shared
#define KERNELS_UNROLL _Pragma("unroll")

namespace kernels::cuda {

__device__ __forceinline__ unsigned thread() {
  return threadIdx.x;
}
__device__ __forceinline__ unsigned threads() {
  return blockDim.x;
}
__device__ __forceinline__ unsigned lane() {
  return threadIdx.x % 32;
}
__device__ __forceinline__ unsigned warp() {
  return threadIdx.x / 32;
}
__device__ __forceinline__ unsigned block_x() {
  return blockIdx.x;
}
__device__ __forceinline__ unsigned block_y() {
  return blockIdx.y;
}
__device__ __forceinline__ unsigned block_z() {
  return blockIdx.z;
}
__device__ __forceinline__ unsigned blocks_x() {
  return gridDim.x;
}
__device__ __forceinline__ unsigned blocks_y() {
  return gridDim.y;
}
__device__ __forceinline__ unsigned blocks_z() {
  return gridDim.z;
}

__device__ __forceinline__ void sync_block() {
  __syncthreads();
}
__device__ __forceinline__ void sync_warp() {
  __syncwarp();
}
__device__ __forceinline__ void sync_group(unsigned barrier, unsigned count) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(count) : "memory");
}

inline constexpr unsigned kWholeWarp = 0xffffffffU;
template <typename T>
__device__ __forceinline__ T shuffle(T value, unsigned source_lane) {
  static_assert(sizeof(T) == 4);
  return __shfl_sync(kWholeWarp, value, static_cast<int>(source_lane));
}
template <typename T>
__device__ __forceinline__ T shuffle_xor(T value, unsigned mask) {
  static_assert(sizeof(T) == 4);
  return __shfl_xor_sync(kWholeWarp, value, static_cast<int>(mask));
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

__device__ __forceinline__ unsigned cluster_rank() {
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
__device__ __forceinline__ void sync_cluster() {
  asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}
template <typename T>
__device__ __forceinline__ T* cluster_shared(T* mine, unsigned rank) {
  std::uint64_t theirs;
  asm("mapa.u64 %0, %1, %2;"
      : "=l"(theirs)
      : "l"(reinterpret_cast<std::uint64_t>(mine)), "r"(rank));
  return reinterpret_cast<T*>(theirs);
}
__device__ __forceinline__ void wait_for_former() {
  asm volatile("griddepcontrol.wait;" ::: "memory");
}
__device__ __forceinline__ void allow_next() {
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
}

#else

__device__ __forceinline__ unsigned cluster_rank() {
  return 0;
}
__device__ __forceinline__ void sync_cluster() {
  __trap();
}
template <typename T>
__device__ __forceinline__ T* cluster_shared(T*, unsigned) {
  __trap();
  return nullptr;
}
__device__ __forceinline__ void wait_for_former() {}
__device__ __forceinline__ void allow_next() {}

#endif

__device__ __forceinline__ std::uint32_t atomic_add(std::uint32_t* to, std::uint32_t value) {
  return atomicAdd(to, value);
}
__device__ __forceinline__ void fence() {
  __threadfence();
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_PORTABLE_ON_DEVICE_H_
