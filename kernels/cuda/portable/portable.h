// The language kernels are written in: CUDA C++ less what a host compiler does not have.
//
// A kernel is a function over one plain struct, `KERNELS_GLOBAL void name(Args args)`, that uses nothing of the GPU
// but what stands below. The same source is compiled by nvcc for a GPU (on_device.h), and by g++ for the emulator
// (on_host.h, emulated/), where every thread of a block is a fiber and every collective (barrier, shuffle, matrix
// product) is computed when the last of its threads has arrived. So kernels are tested unmodified on machines without
// a GPU: index arithmetic, masks, barriers, orders of summation. What the emulator cannot show: memory ordering,
// the rounding inside a tensor core, bank conflicts, speed.
//
// Rules for kernels
//   blocks       one-dimensional; a whole number of warps; grids have up to three dimensions
//   shared       all of it dynamic, through KERNELS_SHARED; 1,024-byte aligned
//   collectives  all threads that belong to one (warp, warpgroup, block, cluster) call it, at the same place
//   floats       fused only where the source says fma(): compiled with -fmad=false (nvcc) and -ffp-contract=off (g++)
//   atomics      on integers alone: no floating-point result may depend on who came first (kernels/ops.h)
//
// What both sides define, in namespace kernels::cuda (sources: PTX ISA 9.0, by section; CUDA C++ Programming Guide):
//
//   KERNELS_DEVICE      inline function for kernels                  __device__ __forceinline__ | inline
//   KERNELS_GLOBAL      a kernel                                     __global__ | (nothing)
//   KERNELS_BOUNDS(t,b) at most t threads a block, b blocks an SM    __launch_bounds__(t, b) | (nothing)
//   KERNELS_SHARED(p)   declares `unsigned char* p`: the block's dynamic shared memory
//   KERNELS_UNROLL      #pragma unroll | (nothing)
//
//   unsigned thread(), threads(), lane(), warp();  block_x(), block_y(), block_z(), blocks_x(), blocks_y(), blocks_z()
//
//   void sync_block();  void sync_warp();
//   void sync_group(unsigned barrier, unsigned threads);  // named barrier 1 … 15, of `threads` threads (bar.sync)
//   float / uint32_t  shuffle(value, source_lane), shuffle_xor(value, mask)          whole warps
//
//   // 16 bytes to shared memory, in the background; zeros where !valid (cp.async.cg, PTX 9.7.9.25)
//   void copy16(void* shared, const void* global, bool valid);
//   void commit_copies();  template <int kPending> void wait_copies();   // then sync_block() before others read
//
//   // Bulk copy of a multiple of 16 bytes, both ends 16-byte aligned, completion on an mbarrier in shared memory
//   // (cp.async.bulk, PTX 9.7.9.25.4; mbarrier, 9.7.13.15). sm_90 and later, one thread issues it.
//   using Barrier = std::uint64_t;
//   void barrier_init(Barrier*, unsigned arrivals);  void barriers_ready();  // fence after init, before sync_block()
//   void barrier_expect(Barrier*, unsigned bytes);   // arrive, and expect so many bytes in this phase
//   void bulk_copy(void* shared, const void* global, unsigned bytes, Barrier*);
//   void barrier_wait(Barrier*, unsigned phase_parity);
//   void async_proxy_fence();   // between ordinary writes of shared memory and wgmma or bulk copies that read or replace it
//
//   // d += a b, one warp: m16n8k16, A and B of bf16 (or f16), C of f32 (mma.sync, PTX 9.7.14.5.8). Fragments, with
//   // g = lane / 4, c = lane % 4, two elements to a register, the lower column in the lower half:
//   //   a[0] (g, 2c..)  a[1] (g + 8, 2c..)  a[2] (g, 2c + 8..)  a[3] (g + 8, 2c + 8..)      A is 16 x 16, (row, k)
//   //   b[0] (2c.., g)  b[1] (2c + 8.., g)                                                  B is 16 x 8, (k, column)
//   //   d[0] (g, 2c)  d[1] (g, 2c + 1)  d[2] (g + 8, 2c)  d[3] (g + 8, 2c + 1)              D is 16 x 8
//   void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);
//   void mma_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);
//   // Four 8x8 matrices of 16-bit elements: lane i names row i % 8 of matrix i / 8, 16 bytes (ldmatrix, PTX 9.7.14.5.15).
//   // Register j of lane i: elements (i / 4, 2 (i % 4)..) of matrix j; transposed: (2 (i % 4).., i / 4).
//   void load_matrices(std::uint32_t (&r)[4], const void* shared_row);
//   void load_matrices_transposed(std::uint32_t (&r)[4], const void* shared_row);
//
//   // d += a b, one warpgroup (128 threads): m64 n(kN) k16, A of bf16 in registers, B of bf16 in shared memory, K-major
//   // (wgmma.mma_async, PTX 9.7.15). sm_90a alone. Warp w of the group holds rows 16 w …; A's fragment is a warp's
//   // mma fragment above; d[4 j + i] is element i of the D fragment of columns 8 j … 8 j + 7. kN: 8, 16, 32, 64, 128, 256.
//   std::uint64_t wgmma_operand(const void* shared);   // descriptor of a B tile, rows of 128 bytes, 128-byte swizzle:
//       // row r (token), 16-byte chunk q of its 128 bytes lies at r * 128 + ((q ^ (r % 8)) * 16); 1,024-byte aligned.
//       // The next 16 columns (k16 step s) begin 32 s bytes further: wgmma_operand(tile) + 2 s.
//   void wgmma_begin();  template <int kN> void wgmma_bf16(float (&d)[kN / 2], const std::uint32_t (&a)[4], std::uint64_t b);
//   void wgmma_commit();  template <int kPending> void wgmma_wait();   // registers of a and d are untouchable between
//
//   // Clusters (sm_90 and later): the blocks of one cluster stand side by side in x.
//   unsigned cluster_rank();  void sync_cluster();
//   template <typename T> T* cluster_shared(T* mine, unsigned rank);   // the same place in another block's shared memory
//
//   // Programmatic dependent launch (sm_90 and later; elsewhere nothing): wait until the kernels before have finished and
//   // their writes are seen; allow the next kernel to begin its prologue.
//   void wait_for_former();  void allow_next();
//
//   std::uint32_t atomic_add(std::uint32_t*, std::uint32_t);   void fence();   // __threadfence()
//
//   float fma(float, float, float), sqrt_rn(float), divide_rn(float, float), exp2_fast(float) (ex2.approx.ftz),
//   float maximum(float, float)   // NaN-propagating
//   std::uint32_t pack_bf16(float low, float high);  float from_bf16(std::uint16_t);  std::uint16_t to_bf16(float)   // RNE
//   std::uint32_t pack_f16(float low, float high);   float from_f16(std::uint16_t);   std::uint16_t to_f16(float)    // RNE, saturating to ±65504
//   float from_e4m3(std::uint8_t);
#ifndef KERNELS_CUDA_PORTABLE_PORTABLE_H_
#define KERNELS_CUDA_PORTABLE_PORTABLE_H_

#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__
#include "kernels/cuda/portable/on_device.h"
#else
#include "kernels/cuda/portable/on_host.h"
#endif

#endif  // KERNELS_CUDA_PORTABLE_PORTABLE_H_
