// Copies to shared memory in the background, and the barriers that count them, on the GPU. Sources:
// PTX ISA 9.0, sections 9.7.9.25.3 (cp.async), 9.7.9.25.4 (cp.async.bulk), 9.7.13.15
// (mbarrier), 9.7.13.4 (fence).
//
// The "memory" clobbers keep the compiler from moving ordinary reads and writes across.
#ifndef KERNELS_CUDA_PORTABLE_DEVICE_COPIES_H_
#define KERNELS_CUDA_PORTABLE_DEVICE_COPIES_H_

#include <cstdint>

namespace kernels::cuda {

// What instructions on shared memory take.
__device__ __forceinline__ std::uint32_t shared_address(const void* shared) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
}

// Of the 16 bytes, `read` come from memory and the rest are zeros; with none, the source is not
// looked at.
__device__ __forceinline__ void copy16(void* shared, const void* global, bool valid) {
  const std::uint32_t read = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
               "l"(__cvta_generic_to_global(global)), "r"(read)
               : "memory");
}
__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kPending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

using Barrier = std::uint64_t;

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900

__device__ __forceinline__ void barrier_init(Barrier* barrier, unsigned arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(arrivals)
               : "memory");
}
// For the cluster's threads, and for the copies themselves.
__device__ __forceinline__ void barriers_ready() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
__device__ __forceinline__ void barrier_expect(Barrier* barrier, unsigned bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
}
__device__ __forceinline__ void bulk_copy(void* shared, const void* global, unsigned bytes,
                                          Barrier* barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared_address(shared)),
      "l"(__cvta_generic_to_global(global)), "r"(bytes), "r"(shared_address(barrier))
      : "memory");
}
__device__ __forceinline__ void barrier_wait(Barrier* barrier, unsigned phase_parity) {
  std::uint32_t over = 0;
  // Each try sleeps for as long as the hardware likes.
  while (over == 0) {
    asm volatile(
        "{\n"
        ".reg .pred over;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 over, [%1], %2;\n"
        "selp.u32 %0, 1, 0, over;\n"
        "}"
        : "=r"(over)
        : "r"(shared_address(barrier)), "r"(phase_parity)
        : "memory");
  }
}
__device__ __forceinline__ void async_proxy_fence() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

#else  // an architecture without: a kernel that uses them may be compiled, not run

__device__ __forceinline__ void barrier_init(Barrier*, unsigned) {
  __trap();
}
__device__ __forceinline__ void barriers_ready() {
  __trap();
}
__device__ __forceinline__ void barrier_expect(Barrier*, unsigned) {
  __trap();
}
__device__ __forceinline__ void bulk_copy(void*, const void*, unsigned, Barrier*) {
  __trap();
}
__device__ __forceinline__ void barrier_wait(Barrier*, unsigned) {
  __trap();
}
__device__ __forceinline__ void async_proxy_fence() {}

#endif

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_PORTABLE_DEVICE_COPIES_H_
