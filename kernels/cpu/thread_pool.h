// Workers that share one loop at a time with the thread that calls.
//
// Tasks are claimed one by one from a counter that also carries the number of the loop, so a worker
// that wakes late finds the loop over and touches nothing; the caller waits for tasks, never for
// workers. Between loops a worker looks for the next one for a few tens of microseconds, then
// sleeps on a futex: an idle engine uses no processor.
#ifndef KERNELS_CPU_THREAD_POOL_H_
#define KERNELS_CPU_THREAD_POOL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace kernels::cpu {

class ThreadPool {
 public:
  // `threads` counts the caller; threads - 1 workers are started and up when this returns. A system
  // that refuses a thread ends the process.
  static std::unique_ptr<ThreadPool> create(std::size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const { return workers_.size() + 1; }

  // Calls body(task, thread) for every task below `tasks`, in any order and on any thread, and
  // returns when all are done. thread < threads() names scratch that no other call uses meanwhile.
  // Called by one thread at a time.
  template <typename Body>
  void parallel_for(std::size_t tasks, const Body& body) {
    const auto call = [](const void* context, std::size_t task, std::size_t thread) {
      (*static_cast<const Body*>(context))(task, thread);
    };
    run(tasks, call, &body);
  }

 private:
  using Call = void (*)(const void* context, std::size_t task, std::size_t thread);

  ThreadPool() = default;
  void run(std::size_t tasks, Call call, const void* context);
  void work(std::size_t thread);
  // Takes tasks of the present loop until none is left.
  void take_tasks(std::size_t thread);
  bool wait_for_loop(std::uint32_t seen) const;

  // The loop at hand. Written by the caller before it publishes `ticket_`; a worker that read them
  // and then wins a task by comparing the whole ticket knows that they belong to the ticket's loop.
  std::atomic<Call> call_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<std::uint32_t> tasks_{0};

  alignas(64) std::atomic<std::uint64_t> ticket_{0};  // loop number << 32 | next task
  alignas(64) std::atomic<std::uint32_t> done_{0};    // tasks of this loop that are finished
  alignas(64) std::atomic<std::uint32_t> loop_{0};    // what workers sleep on
  std::atomic<std::uint32_t> started_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_THREAD_POOL_H_
