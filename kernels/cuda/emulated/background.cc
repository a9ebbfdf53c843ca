// What goes on in the background: copies, and the barriers that count them. All of it is done as
// late as the rules allow, so that a kernel that does not wait reads poison.
#include <algorithm>
#include <cstring>

#include "kernels/cuda/emulated/block_run.h"

namespace kernels::cuda::emulated {
namespace {

bool aligned16(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0;
}

constexpr std::uint64_t kBarrierMark =
    0x6d62617272000000U;  // in the upper half of a barrier's word
constexpr std::uint64_t kBarrierMarkMask = 0xffffffff00000000U;
constexpr unsigned kArrivalsMax = (1U << 20U) - 1;  // PTX ISA 9.0, section 9.7.13.15
constexpr std::int64_t kBytesMax = (1 << 20) - 1;

BarrierState& state_of(const std::uint64_t* word) {
  ClusterRun& run = ClusterRun::current();
  Block& block = *ClusterRun::thread().block;
  const std::size_t index = *word & ~kBarrierMarkMask;
  if ((*word & kBarrierMarkMask) != (kBarrierMark & kBarrierMarkMask) ||
      index >= block.barriers.size() || block.barriers[index].word != word)
    run.fail("this barrier was not initialised, or was overwritten");
  return block.barriers[index];
}

// Ends the phase if nothing is pending in it.
void advance(BarrierState& barrier) {
  if (barrier.arrivals_pending != 0 || barrier.bytes_pending != 0) return;
  barrier.phase ^= 1U;
  barrier.arrivals_pending = barrier.arrivals;
}

void wake_waiting(BarrierState& barrier) {
  for (Thread* thread : barrier.waiting) ClusterRun::current().wake(*thread);
  barrier.waiting.clear();
}

void finish_copies(BarrierState& barrier) {
  for (const PendingBulkCopy& copy : barrier.copies) {
    std::memcpy(copy.shared, copy.global, copy.bytes);
    barrier.bytes_pending -= copy.bytes;
  }
  if (barrier.copies.empty()) return;
  barrier.copies.clear();
  advance(barrier);
}

}  // namespace

void copy16(void* shared, const void* global, bool valid) {
  ClusterRun& run = ClusterRun::current();
  Thread& self = ClusterRun::thread();
  if (!self.block->shared.holds(shared, 16) || !aligned16(shared))
    run.fail("copy16 to what is not 16 aligned bytes of shared memory");
  if (!aligned16(global)) run.fail("copy16 from memory that is not 16-byte aligned");
  if (valid && global == nullptr) run.fail("copy16 from null");
  self.copies.things.push_back({shared, valid ? global : nullptr});
}

void commit_copies() {
  auto& copies = ClusterRun::thread().copies;
  copies.groups.push_back(copies.things.size());
}

void wait_copies(std::size_t pending) {
  auto& copies = ClusterRun::thread().copies;
  const std::size_t due = copies.due(pending);
  for (std::size_t i = 0; i < due; ++i) {
    const PendingCopy& copy = copies.things[i];
    if (copy.global != nullptr)
      std::memcpy(copy.shared, copy.global, 16);
    else
      std::memset(copy.shared, 0, 16);
  }
  copies.drop(due);
}

void barrier_init(std::uint64_t* barrier, unsigned arrivals) {
  ClusterRun& run = ClusterRun::current();
  Block& block = *ClusterRun::thread().block;
  run.require(90, "barrier_init");
  if (!block.shared.holds(barrier, 8) || reinterpret_cast<std::uintptr_t>(barrier) % 8 != 0)
    run.fail("a barrier that is not 8 aligned bytes of shared memory");
  if (arrivals < 1 || arrivals > kArrivalsMax) run.fail("a barrier of %u arrivals", arrivals);
  for (const BarrierState& other : block.barriers) {
    if (other.word == barrier) run.fail("a barrier is initialised twice");
  }
  *barrier = (kBarrierMark & kBarrierMarkMask) | block.barriers.size();
  block.barriers.push_back({.word = barrier, .arrivals = arrivals, .arrivals_pending = arrivals});
}

void barrier_expect(std::uint64_t* barrier, unsigned bytes) {
  ClusterRun& run = ClusterRun::current();
  BarrierState& state = state_of(barrier);
  if (state.arrivals_pending == 0)
    run.fail("one arrival too many: the phase before has not been waited for");
  state.bytes_pending += bytes;
  if (state.bytes_pending > kBytesMax) run.fail("a barrier expects more than 2^20 - 1 bytes");
  --state.arrivals_pending;
  advance(state);
  wake_waiting(state);
}

void bulk_copy(void* shared, const void* global, unsigned bytes, std::uint64_t* barrier) {
  ClusterRun& run = ClusterRun::current();
  BarrierState& state = state_of(barrier);
  if (bytes == 0 || bytes % 16 != 0 || !aligned16(shared) || !aligned16(global))
    run.fail("bulk_copy of %u bytes from %p to %p: not whole, aligned runs of 16 bytes", bytes,
             global, shared);
  if (!ClusterRun::thread().block->shared.holds(shared, bytes))
    run.fail("bulk_copy of %u bytes beyond the block's shared memory", bytes);
  state.copies.push_back({shared, global, bytes});
  wake_waiting(state);
}

void barrier_wait(std::uint64_t* barrier, unsigned phase_parity, Place place) {
  ClusterRun& run = ClusterRun::current();
  // The reference is looked up anew: another thread may have made a barrier meanwhile.
  while (true) {
    BarrierState& state = state_of(barrier);
    // try_wait.parity succeeds once the phase of this parity is over: while the one that goes on
    // has the other.
    finish_copies(state);
    if (state.phase != (phase_parity & 1U)) break;
    state.waiting.push_back(&ClusterRun::thread());
    run.park({"barrier_wait", place, phase_parity});
  }
}

void* cluster_shared(void* mine, unsigned rank) {
  ClusterRun& run = ClusterRun::current();
  const Thread& self = ClusterRun::thread();
  run.require(90, "cluster_shared");
  if (rank >= run.cluster()) run.fail("block %u of a cluster of %zu", rank, run.cluster());
  const auto offset = static_cast<unsigned char*>(mine) - self.shared;
  if (!self.block->shared.holds(mine, 1)) run.fail("cluster_shared of what is not shared memory");
  return run.block(rank).shared.data() + offset;
}

void wait_for_former() {
  ClusterRun::thread().block->waited_for_former = true;
}

}  // namespace kernels::cuda::emulated
