// One cluster of blocks that runs: its threads as fibers, who of them can go on, and where the
// others wait.
//
// A collective is a meeting: threads arrive and are parked; the last to arrive computes for all and
// wakes them. When nobody can go on and not all have ended, the kernel would hang on a GPU (or
// worse: not hang, but be wrong), and the process ends with the list of who waits where.
#ifndef KERNELS_CUDA_EMULATED_BLOCK_RUN_H_
#define KERNELS_CUDA_EMULATED_BLOCK_RUN_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/emulated/calls.h"
#include "kernels/cuda/emulated/fiber.h"
#include "kernels/cuda/emulated/matrix_product.h"
#include "kernels/cuda/emulated/shared_memory.h"

namespace kernels::cuda::emulated {

struct Block;

// What a parked thread waits in.
struct Wait {
  const char* what = nullptr;  // "sync_block"
  Place place = {nullptr, 0};
  std::uint64_t detail = 0;   // has to be the same for all that meet: a barrier's number, …
  void* arguments = nullptr;  // the caller's, on its stack
  bool anywhere = false;      // those that meet need not be in one place of the source
};

// copy16, not yet done.
struct PendingCopy {
  void* shared = nullptr;
  const void* global = nullptr;  // null: zeros
};

// wgmma, not yet done.
struct PendingProduct {
  std::uint64_t b = 0;
  unsigned n = 0;
  std::uint32_t a[4] = {};
  float* d = nullptr;
};

// Things in the background, in committed groups and after them what is not committed yet.
template <typename Thing>
struct Background {
  std::vector<Thing> things;
  std::vector<std::size_t> groups;  // ends of the committed groups, in `things`

  void clear() {
    things.clear();
    groups.clear();
  }
  // How many things are in all groups but the last `pending`; zero where there are no more groups
  // than that.
  std::size_t due(std::size_t pending) const {
    return groups.size() > pending ? groups[groups.size() - 1 - pending] : 0;
  }
  // Forgets the first `count` things, whole groups.
  void drop(std::size_t count) {
    std::size_t group = 0;
    while (group < groups.size() && groups[group] <= count) ++group;
    groups.erase(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(group));
    for (std::size_t& end : groups) end -= count;
    things.erase(things.begin(), things.begin() + static_cast<std::ptrdiff_t>(count));
  }
};

enum class ThreadState : std::uint8_t { kReady, kWaiting, kEnded };

struct Thread : ThreadView {
  Fiber fiber;
  Block* block = nullptr;
  ThreadState state = ThreadState::kReady;
  Wait wait;
  Background<PendingCopy> copies;
  Background<PendingProduct> products;
};

struct Meeting {
  std::vector<Thread*> threads;  // that have arrived
};

struct Warp {
  Meeting meeting;
  std::uint64_t products = 0;  // a digest of the wgmmas it took part in
};

struct PendingBulkCopy {
  void* shared = nullptr;
  const void* global = nullptr;
  unsigned bytes = 0;
};

// An mbarrier (PTX ISA 9.0, section 9.7.13.15). The word in shared memory only says which of these
// it is.
struct BarrierState {
  std::uint64_t* word = nullptr;
  unsigned phase = 0;
  unsigned arrivals = 0;          // of a phase
  unsigned arrivals_pending = 0;  // of this phase
  std::int64_t bytes_pending = 0;
  std::vector<PendingBulkCopy> copies = {};
  std::vector<Thread*> waiting = {};
};

struct Block {
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<Warp> warps;
  Meeting whole;
  Meeting named[16];
  SharedMemory shared;
  std::vector<BarrierState> barriers;
  std::size_t ended = 0;
  bool waited_for_former = false;
};

class ClusterRun {
 public:
  ClusterRun(int capability, std::uint64_t order_seed)
      : capability_(capability), order_(order_seed) {}
  ClusterRun(const ClusterRun&) = delete;
  ClusterRun& operator=(const ClusterRun&) = delete;

  // Runs all blocks of a launch that was found to be valid.
  void run(const Kernel& kernel, const LaunchShape& shape, const void* arguments);

  // The rest is for collectives: called by the fiber of a thread.
  static ClusterRun& current();
  static Thread& thread() { return *static_cast<Thread*>(running); }

  // Ends the process: "… kernel K, block (x, y, z), thread t: " and the rest.
  [[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 2, 3)));
  // `feature` needs at least this capability.
  void require(int capability, const char* feature);
  // `feature` needs just this one ("sm_90a").
  void require_exactly(int capability, const char* feature);

  // Parks the thread until it is woken.
  void park(const Wait& wait);
  void wake(Thread& thread);
  // Arrives at a meeting of `count` threads. True for the last: it computes, and then calls
  // end_meeting.
  bool arrive(Meeting& meeting, std::size_t count, const Wait& wait);
  void end_meeting(Meeting& meeting);

  Block& block(std::size_t rank) { return *blocks_[rank]; }
  std::size_t cluster() const { return shape_.cluster; }
  Meeting& cluster_meeting() { return cluster_meeting_; }

  // Of a fault at this address: fails if it is in a guard of ours. Async-signal-unsafe, which a
  // program that has already gone wrong may be.
  void explain_fault(const void* address);

 private:
  void run_cluster(std::uint32_t x, std::uint32_t y, std::uint32_t z);
  void begin_block(Block& block, std::uint32_t rank, std::uint32_t x, std::uint32_t y,
                   std::uint32_t z);
  void end_block(Block& block);
  static void thread_main(void* thread);
  [[noreturn]] void end_thread(Thread& thread);
  Thread* next_ready();
  [[noreturn]] void fail_stuck();
  // 0 … bound - 1
  std::size_t random_below(std::size_t bound);
  template <typename Item>
  void shuffle_order(std::vector<Item>& items);

  int capability_;
  std::uint64_t order_;  // state of the generator; 0: ascending order
  const Kernel* kernel_ = nullptr;
  LaunchShape shape_;
  const void* arguments_ = nullptr;
  FiberStacks stacks_;
  Fiber main_;
  std::vector<std::unique_ptr<Block>> blocks_;
  Meeting cluster_meeting_;
  std::vector<Thread*> ready_;  // a ring
  std::size_t ready_head_ = 0, ready_count_ = 0;
  std::size_t unfinished_ = 0;
};

}  // namespace kernels::cuda::emulated

#endif  // KERNELS_CUDA_EMULATED_BLOCK_RUN_H_
