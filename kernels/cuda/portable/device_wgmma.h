// Matrix products of a warpgroup, on the GPU (sm_90a alone). Sources: PTX ISA 9.0,
// sections 9.7.15.5.1 (fragments, matrix descriptor), 9.7.15.5.2 (wgmma.mma_async), and
// wgmma.fence, commit_group and wait_group in 9.7.15.
#ifndef KERNELS_CUDA_PORTABLE_DEVICE_WGMMA_H_
#define KERNELS_CUDA_PORTABLE_DEVICE_WGMMA_H_

#include <cstdint>

#include "kernels/cuda/portable/device_copies.h"

namespace kernels::cuda {

// The matrix descriptor: address / 16 in bits 0 … 13; leading byte offset / 16 in bits 16 … 29,
// which means nothing for K-major operands with a swizzle, and is one; stride byte offset / 16 in
// bits 32 … 45: 1,024 bytes from one group of eight rows to the next; base offset in bits 49 … 51:
// zero, as tiles are 1,024-byte aligned; swizzle in bits 62 and 63: 1 is the one of 128 bytes. A
// step of 32 bytes along k stays inside the swizzle's pattern and is added to the address.
__device__ __forceinline__ std::uint64_t wgmma_operand(const void* shared) {
  return std::uint64_t{1} << 62U | std::uint64_t{1024 / 16} << 32U | std::uint64_t{1} << 16U |
         ((shared_address(shared) & 0x3ffffU) >> 4U);
}

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

__device__ __forceinline__ void wgmma_begin() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// One instruction has kN / 2 accumulators, each an operand of its own. Their numbers and their
// constraints are made by doubling.
#define KERNELS_NUMBERS_4 "%0, %1, %2, %3"
#define KERNELS_NUMBERS_8 \
  KERNELS_NUMBERS_4       \
  ", %4, %5, %6, %7"
#define KERNELS_NUMBERS_16 \
  KERNELS_NUMBERS_8        \
  ", %8, %9, %10, %11, %12, %13, %14, %15"
#define KERNELS_NUMBERS_32 \
  KERNELS_NUMBERS_16       \
  ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define KERNELS_NUMBERS_64                                                           \
  KERNELS_NUMBERS_32                                                                 \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47" \
  ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define KERNELS_NUMBERS_128                                                          \
  KERNELS_NUMBERS_64                                                                 \
  ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79" \
  ", %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95" \
  ", %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109" \
  ", %110, %111, %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122"   \
  ", %123, %124, %125, %126, %127"

#define KERNELS_ACCUMULATORS_4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define KERNELS_ACCUMULATORS_8(i) KERNELS_ACCUMULATORS_4(i), KERNELS_ACCUMULATORS_4(i + 4)
#define KERNELS_ACCUMULATORS_16(i) KERNELS_ACCUMULATORS_8(i), KERNELS_ACCUMULATORS_8(i + 8)
#define KERNELS_ACCUMULATORS_32(i) KERNELS_ACCUMULATORS_16(i), KERNELS_ACCUMULATORS_16(i + 16)
#define KERNELS_ACCUMULATORS_64(i) KERNELS_ACCUMULATORS_32(i), KERNELS_ACCUMULATORS_32(i + 32)
#define KERNELS_ACCUMULATORS_128(i) KERNELS_ACCUMULATORS_64(i), KERNELS_ACCUMULATORS_64(i + 64)

// After the operands: accumulate (a predicate that is true), A and B times 1, B not transposed.
#define KERNELS_WGMMA(n, count, a_and_b)                                                     \
  if constexpr (kN == n) {                                                                   \
    asm volatile(                                                                            \
        "{\n.reg .pred accumulate;\nsetp.eq.u32 accumulate, 1, 1;\n"                         \
        "wgmma.mma_async.sync.aligned.m64n" #n "k16.f32.bf16.bf16 {" KERNELS_NUMBERS_##count \
        "}, " a_and_b ", accumulate, 1, 1, 0;\n}"                                            \
        : KERNELS_ACCUMULATORS_##count(0)                                                    \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)                                 \
        : "memory");                                                                         \
  }

template <int kN>
__device__ __forceinline__ void wgmma_bf16(float (&d)[kN / 2], const std::uint32_t (&a)[4],
                                           std::uint64_t b) {
  static_assert(kN == 8 || kN == 16 || kN == 32 || kN == 64 || kN == 128 || kN == 256);
  // clang-format off
  KERNELS_WGMMA(8, 4, "{%4, %5, %6, %7}, %8")
  KERNELS_WGMMA(16, 8, "{%8, %9, %10, %11}, %12")
  KERNELS_WGMMA(32, 16, "{%16, %17, %18, %19}, %20")
  KERNELS_WGMMA(64, 32, "{%32, %33, %34, %35}, %36")
  KERNELS_WGMMA(128, 64, "{%64, %65, %66, %67}, %68")
  KERNELS_WGMMA(256, 128, "{%128, %129, %130, %131}, %132")
  // clang-format on
}

#undef KERNELS_WGMMA
#undef KERNELS_NUMBERS_4
#undef KERNELS_NUMBERS_8
#undef KERNELS_NUMBERS_16
#undef KERNELS_NUMBERS_32
#undef KERNELS_NUMBERS_64
#undef KERNELS_NUMBERS_128
#undef KERNELS_ACCUMULATORS_4
#undef KERNELS_ACCUMULATORS_8
#undef KERNELS_ACCUMULATORS_16
#undef KERNELS_ACCUMULATORS_32
#undef KERNELS_ACCUMULATORS_64
#undef KERNELS_ACCUMULATORS_128

#else  // an architecture without: a kernel that uses them may be compiled, not run

__device__ __forceinline__ void wgmma_begin() {
  __trap();
}
__device__ __forceinline__ void wgmma_commit() {
  __trap();
}
template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
  __trap();
}
template <int kN>
__device__ __forceinline__ void wgmma_bf16(float (&)[kN / 2], const std::uint32_t (&)[4],
                                           std::uint64_t) {
  __trap();
}

#endif

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_PORTABLE_DEVICE_WGMMA_H_
