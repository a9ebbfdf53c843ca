#include "kernels/cuda/emulated/block_run.h"

#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "kernels/check.h"

namespace kernels::cuda::emulated {

ThreadView* running = nullptr;

namespace {

ClusterRun* current_run = nullptr;

bool same_place(const Place& a, const Place& b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

const char* file_name(const char* path) {
  const char* slash = path == nullptr ? nullptr : std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

bool same_state(const Thread& a, const Thread& b) {
  if (a.state != b.state) return false;
  return a.state != ThreadState::kWaiting ||
         (a.wait.what == b.wait.what && a.wait.detail == b.wait.detail &&
          same_place(a.wait.place, b.wait.place));
}

// "  block (0, 0, 0): threads 0 to 31 wait in sync_block (file.h:12)", one line per run of like
// threads.
void print_threads(const Block& block) {
  const auto& threads = block.threads;
  for (std::size_t first = 0, next = 0; first < threads.size(); first = next) {
    const Thread& thread = *threads[first];
    next = first + 1;
    while (next < threads.size() && same_state(thread, *threads[next])) ++next;
    std::fprintf(stderr, "  block (%u, %u, %u), threads %zu to %zu ", thread.block_x,
                 thread.block_y, thread.block_z, first, next - 1);
    if (thread.state == ThreadState::kEnded)
      std::fprintf(stderr, "have ended\n");
    else if (thread.state == ThreadState::kReady)
      std::fprintf(stderr, "run\n");
    else
      std::fprintf(stderr, "wait in %s (%s:%d)\n", thread.wait.what,
                   file_name(thread.wait.place.file), thread.wait.place.line);
  }
}

}  // namespace

ClusterRun& ClusterRun::current() {
  KERNELS_CHECK(current_run != nullptr);
  return *current_run;
}

void ClusterRun::run(const Kernel& kernel, const LaunchShape& shape, const void* arguments) {
  KERNELS_CHECK(current_run == nullptr);
  current_run = this;
  kernel_ = &kernel;
  shape_ = shape;
  arguments_ = arguments;
  while (blocks_.size() < shape.cluster) blocks_.push_back(std::make_unique<Block>());
  ready_.resize(std::bit_ceil(std::size_t{shape.cluster} * shape.threads));
  const std::size_t across = shape.grid_x / shape.cluster;
  std::vector<std::size_t> clusters(across * shape.grid_y * shape.grid_z);
  std::iota(clusters.begin(), clusters.end(), std::size_t{0});
  shuffle_order(clusters);
  for (const std::size_t cluster : clusters) {
    const std::size_t row = cluster / across;
    run_cluster(static_cast<std::uint32_t>(cluster % across * shape.cluster),
                static_cast<std::uint32_t>(row % shape.grid_y),
                static_cast<std::uint32_t>(row / shape.grid_y));
  }
  current_run = nullptr;
}

void ClusterRun::run_cluster(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  cluster_meeting_.threads.clear();
  ready_head_ = ready_count_ = 0;
  unfinished_ = std::size_t{shape_.cluster} * shape_.threads;
  std::vector<Thread*> order;
  for (std::uint32_t rank = 0; rank < shape_.cluster; ++rank) {
    begin_block(*blocks_[rank], rank, x + rank, y, z);
    for (const auto& thread : blocks_[rank]->threads) order.push_back(thread.get());
  }
  shuffle_order(order);
  for (Thread* thread : order) wake(*thread);
  Thread* first = next_ready();
  running = first;
  main_.switch_to(first->fiber);
  running = nullptr;
}

void ClusterRun::begin_block(Block& block, std::uint32_t rank, std::uint32_t x, std::uint32_t y,
                             std::uint32_t z) {
  block.shared.begin(shape_.shared_bytes);
  block.threads.resize(shape_.threads);
  block.warps.assign(shape_.threads / kWarpLanes, {});
  block.whole.threads.clear();
  for (Meeting& meeting : block.named) meeting.threads.clear();
  block.barriers.clear();
  block.ended = 0;
  block.waited_for_former = false;
  for (std::uint32_t i = 0; i < shape_.threads; ++i) {
    auto& thread = block.threads[i];
    if (thread == nullptr) thread = std::make_unique<Thread>();
    static_cast<ThreadView&>(*thread) = {.thread = i,
                                         .threads = shape_.threads,
                                         .block_x = x,
                                         .block_y = y,
                                         .block_z = z,
                                         .blocks_x = shape_.grid_x,
                                         .blocks_y = shape_.grid_y,
                                         .blocks_z = shape_.grid_z,
                                         .cluster_rank = rank,
                                         .shared = block.shared.data()};
    thread->block = &block;
    thread->copies.clear();
    thread->products.clear();
    thread->fiber.prepare(stacks_.stack(std::size_t{rank} * shape_.threads + i),
                          FiberStacks::stack_bytes(), &ClusterRun::thread_main, thread.get());
  }
}

void ClusterRun::thread_main(void* thread) {
  ClusterRun& run = *current_run;
  run.kernel_->run(run.arguments_);
  run.end_thread(*static_cast<Thread*>(thread));
}

void ClusterRun::end_thread(Thread& thread) {
  if (!thread.products.things.empty()) fail("ended without having waited for its wgmma");
  thread.state = ThreadState::kEnded;
  if (++thread.block->ended == thread.block->threads.size()) end_block(*thread.block);
  --unfinished_;
  if (unfinished_ == 0) thread.fiber.leave_to(main_);
  Thread* next = next_ready();
  running = next;
  thread.fiber.leave_to(next->fiber);
}

void ClusterRun::end_block(Block& block) {
  for (std::size_t warp = 0; warp < block.warps.size(); ++warp) {
    if (block.warps[warp].products != block.warps[warp / 4 * 4].products)
      fail("warp %zu took part in other wgmmas than the first warp of its warpgroup", warp);
  }
  if (shape_.overlap && !block.waited_for_former)
    fail(
        "no thread of this block called wait_for_former, but the launch may overlap the one "
        "before");
  if (!block.shared.end())
    fail("the block wrote beyond its %u bytes of shared memory", shape_.shared_bytes);
}

void ClusterRun::park(const Wait& wait) {
  Thread& self = thread();
  self.wait = wait;
  self.state = ThreadState::kWaiting;
  Thread* next = next_ready();
  running = next;
  self.fiber.switch_to(next->fiber);
}

void ClusterRun::wake(Thread& thread) {
  thread.state = ThreadState::kReady;
  ready_[(ready_head_ + ready_count_) & (ready_.size() - 1)] = &thread;
  ++ready_count_;
}

Thread* ClusterRun::next_ready() {
  if (ready_count_ == 0) fail_stuck();
  const std::size_t mask = ready_.size() - 1;
  if (order_ != 0)
    std::swap(ready_[ready_head_ & mask],
              ready_[(ready_head_ + random_below(ready_count_)) & mask]);
  Thread* next = ready_[ready_head_++ & mask];
  --ready_count_;
  return next;
}

bool ClusterRun::arrive(Meeting& meeting, std::size_t count, const Wait& wait) {
  Thread& self = thread();
  if (!meeting.threads.empty()) {
    const Thread& other = *meeting.threads.front();
    if (other.wait.what != wait.what || other.wait.detail != wait.detail ||
        (!wait.anywhere && !same_place(other.wait.place, wait.place)))
      fail("meets %s (%s:%d) where thread %u waits in %s (%s:%d)", wait.what,
           file_name(wait.place.file), wait.place.line, other.thread, other.wait.what,
           file_name(other.wait.place.file), other.wait.place.line);
  }
  meeting.threads.push_back(&self);
  self.wait = wait;
  if (meeting.threads.size() == count) return true;
  park(wait);
  return false;
}

void ClusterRun::end_meeting(Meeting& meeting) {
  const Thread* self = &thread();
  for (Thread* other : meeting.threads) {
    if (other != self) wake(*other);
  }
  meeting.threads.clear();
}

void ClusterRun::fail(const char* format, ...) {
  const Thread& self = thread();
  std::fprintf(stderr, "emulated device: kernel %s, block (%u, %u, %u), thread %u: ", kernel_->name,
               self.block_x, self.block_y, self.block_z, self.thread);
  std::va_list rest;
  va_start(rest, format);
  std::vfprintf(stderr, format, rest);
  va_end(rest);
  std::fputc('\n', stderr);
  std::abort();
}

void ClusterRun::fail_stuck() {
  std::fprintf(stderr, "emulated device: kernel %s, block (%u, %u, %u): no thread can go on\n",
               kernel_->name, thread().block_x, thread().block_y, thread().block_z);
  for (std::uint32_t rank = 0; rank < shape_.cluster; ++rank) print_threads(*blocks_[rank]);
  std::abort();
}

void ClusterRun::require(int capability, const char* feature) {
  if (capability_ < capability)
    fail("%s needs a GPU of capability %d, this one has %d", feature, capability, capability_);
}

void ClusterRun::require_exactly(int capability, const char* feature) {
  if (capability_ != capability)
    fail("%s needs a GPU of capability %d alone, this one has %d", feature, capability,
         capability_);
}

void ClusterRun::explain_fault(const void* address) {
  if (running == nullptr) return;
  for (const auto& block : blocks_) {
    if (block->shared.in_guard(address))
      fail("reads or writes beyond its %u bytes of shared memory", shape_.shared_bytes);
  }
  if (stacks_.in_guard(address)) fail("its stack of %zu bytes is full", FiberStacks::stack_bytes());
}

std::size_t ClusterRun::random_below(std::size_t bound) {
  // Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators": SplitMix64.
  order_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = order_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return static_cast<std::size_t>((z ^ (z >> 31U)) % bound);
}

template <typename Item>
void ClusterRun::shuffle_order(std::vector<Item>& items) {
  if (order_ == 0) return;
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random_below(i)]);
}

}  // namespace kernels::cuda::emulated
