// The kernel language for a host compiler: see portable.h. Numbers are computed here; everything
// threads do together is the emulator's (kernels_cuda_emulator), which only programs that run
// kernels link.
//
// A default argument carries the place of a collective in the kernel's source to the emulator.
#ifndef KERNELS_CUDA_PORTABLE_ON_HOST_H_
#define KERNELS_CUDA_PORTABLE_ON_HOST_H_

#include <bit>
#include <cstdint>

#include "kernels/cuda/emulated/calls.h"
#include "kernels/cuda/portable/host_numbers.h"

#define KERNELS_DEVICE inline
#define KERNELS_GLOBAL
#define KERNELS_BOUNDS(threads_max, blocks_min)
#define KERNELS_SHARED(p) unsigned char* p = ::kernels::cuda::emulated::running->shared
#define KERNELS_UNROLL

namespace kernels::cuda {

using emulated::Place;

inline unsigned thread() {
  return emulated::running->thread;
}
inline unsigned threads() {
  return emulated::running->threads;
}
inline unsigned lane() {
  return emulated::running->thread % 32;
}
inline unsigned warp() {
  return emulated::running->thread / 32;
}
inline unsigned block_x() {
  return emulated::running->block_x;
}
inline unsigned block_y() {
  return emulated::running->block_y;
}
inline unsigned block_z() {
  return emulated::running->block_z;
}
inline unsigned blocks_x() {
  return emulated::running->blocks_x;
}
inline unsigned blocks_y() {
  return emulated::running->blocks_y;
}
inline unsigned blocks_z() {
  return emulated::running->blocks_z;
}

inline void sync_block(Place place = Place::here()) {
  emulated::sync_block(place);
}
inline void sync_warp(Place place = Place::here()) {
  emulated::sync_warp(place);
}
inline void sync_group(unsigned barrier, unsigned count, Place place = Place::here()) {
  emulated::sync_group(barrier, count, place);
}

inline std::uint32_t shuffle(std::uint32_t value, unsigned source_lane,
                             Place place = Place::here()) {
  return emulated::shuffle(value, source_lane, place);
}
inline std::uint32_t shuffle_xor(std::uint32_t value, unsigned mask, Place place = Place::here()) {
  return emulated::shuffle_xor(value, mask, place);
}
inline float shuffle(float value, unsigned source_lane, Place place = Place::here()) {
  return std::bit_cast<float>(
      emulated::shuffle(std::bit_cast<std::uint32_t>(value), source_lane, place));
}
inline float shuffle_xor(float value, unsigned mask, Place place = Place::here()) {
  return std::bit_cast<float>(
      emulated::shuffle_xor(std::bit_cast<std::uint32_t>(value), mask, place));
}

inline void copy16(void* shared, const void* global, bool valid) {
  emulated::copy16(shared, global, valid);
}
inline void commit_copies() {
  emulated::commit_copies();
}
template <int kPending>
void wait_copies() {
  static_assert(kPending >= 0);
  emulated::wait_copies(kPending);
}

using Barrier = std::uint64_t;
inline void barrier_init(Barrier* barrier, unsigned arrivals) {
  emulated::barrier_init(barrier, arrivals);
}
inline void barriers_ready() {}
inline void barrier_expect(Barrier* barrier, unsigned bytes) {
  emulated::barrier_expect(barrier, bytes);
}
inline void bulk_copy(void* shared, const void* global, unsigned bytes, Barrier* barrier) {
  emulated::bulk_copy(shared, global, bytes, barrier);
}
inline void barrier_wait(Barrier* barrier, unsigned phase_parity, Place place = Place::here()) {
  emulated::barrier_wait(barrier, phase_parity, place);
}
inline void async_proxy_fence() {}

inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                     Place place = Place::here()) {
  emulated::mma(emulated::Half::kBf16, d, a, b, place);
}
inline void mma_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                    Place place = Place::here()) {
  emulated::mma(emulated::Half::kF16, d, a, b, place);
}
inline void load_matrices(std::uint32_t (&r)[4], const void* shared_row,
                          Place place = Place::here()) {
  emulated::load_matrices(r, shared_row, false, place);
}
inline void load_matrices_transposed(std::uint32_t (&r)[4], const void* shared_row,
                                     Place place = Place::here()) {
  emulated::load_matrices(r, shared_row, true, place);
}

inline std::uint64_t wgmma_operand(const void* shared) {
  return emulated::wgmma_operand(shared);
}
inline void wgmma_begin() {}
template <int kN>
void wgmma_bf16(float (&d)[static_cast<unsigned>(kN) / 2], const std::uint32_t (&a)[4],
                std::uint64_t b, Place place = Place::here()) {
  static_assert(kN == 8 || kN == 16 || kN == 32 || kN == 64 || kN == 128 || kN == 256);
  emulated::wgmma(kN, d, a, b, place);
}
inline void wgmma_commit() {
  emulated::wgmma_commit();
}
template <int kPending>
void wgmma_wait(Place place = Place::here()) {
  static_assert(kPending >= 0);
  emulated::wgmma_wait(kPending, place);
}

inline unsigned cluster_rank() {
  return emulated::running->cluster_rank;
}
inline void sync_cluster(Place place = Place::here()) {
  emulated::sync_cluster(place);
}
template <typename T>
T* cluster_shared(T* mine, unsigned rank) {
  return static_cast<T*>(emulated::cluster_shared(mine, rank));
}

inline void wait_for_former() {
  emulated::wait_for_former();
}
inline void allow_next() {}

inline std::uint32_t atomic_add(std::uint32_t* to, std::uint32_t value) {
  const std::uint32_t former = *to;
  *to = former + value;
  return former;
}
inline void fence() {}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_PORTABLE_ON_HOST_H_
