// What the host's side of the kernel language (portable/on_host.h) asks of the emulator. Kernels do
// not include this.
//
// Every function is called by a fiber that runs a kernel. `Place` is where in the kernel's source:
// the threads of a group have to meet in one place, and a kernel that hangs is told where.
#ifndef KERNELS_CUDA_EMULATED_CALLS_H_
#define KERNELS_CUDA_EMULATED_CALLS_H_

#include <cstddef>
#include <cstdint>

namespace kernels::cuda::emulated {

struct Place {
  const char* file;
  int line;
  // As a default argument it is the caller's place.
  static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

// Who a thread is. `running` is switched with the fibers; all of it is one thread of the system.
struct ThreadView {
  unsigned thread = 0, threads = 0;
  unsigned block_x = 0, block_y = 0, block_z = 0;
  unsigned blocks_x = 0, blocks_y = 0, blocks_z = 0;
  unsigned cluster_rank = 0;
  unsigned char* shared = nullptr;
};
extern ThreadView* running;

void sync_block(Place place);
void sync_group(unsigned barrier, unsigned threads, Place place);
void sync_warp(Place place);
void sync_cluster(Place place);
std::uint32_t shuffle(std::uint32_t value, unsigned source_lane, Place place);
std::uint32_t shuffle_xor(std::uint32_t value, unsigned mask, Place place);

// Done when wait_copies covers it; until then the memory is as it was.
void copy16(void* shared, const void* global, bool valid);
void commit_copies();
void wait_copies(std::size_t pending);

void barrier_init(std::uint64_t* barrier, unsigned arrivals);
void barrier_expect(std::uint64_t* barrier, unsigned bytes);
// Done when a thread waits for the barrier.
void bulk_copy(void* shared, const void* global, unsigned bytes, std::uint64_t* barrier);
void barrier_wait(std::uint64_t* barrier, unsigned phase_parity, Place place);

enum class Half : std::uint8_t { kBf16, kF16 };
void mma(Half type, float* d, const std::uint32_t* a, const std::uint32_t* b, Place place);
void load_matrices(std::uint32_t* r, const void* shared_row, bool transposed, Place place);

std::uint64_t wgmma_operand(const void* shared);
// Done when wgmma_wait covers it: B is read, and d changes, only then.
void wgmma(unsigned n, float* d, const std::uint32_t* a, std::uint64_t b, Place place);
void wgmma_commit();
void wgmma_wait(std::size_t pending, Place place);

// The same place in the shared memory of the cluster's block `rank`.
void* cluster_shared(void* mine, unsigned rank);
void wait_for_former();

}  // namespace kernels::cuda::emulated

#endif  // KERNELS_CUDA_EMULATED_CALLS_H_
