#include "kernels/cpu/thread_pool.h"

#include <chrono>

#include "kernels/check.h"

namespace kernels::cpu {
namespace {

// Longer than the gap between two operations of a step, far shorter than a step.
constexpr std::chrono::microseconds kSpin{40};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Repeats `ready` for at most kSpin; true once it holds.
template <typename Ready>
bool spin_until(const Ready& ready) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

}  // namespace

std::unique_ptr<ThreadPool> ThreadPool::create(std::size_t threads) {
  std::unique_ptr<ThreadPool> pool(new ThreadPool);
  pool->workers_.reserve(threads);
  for (std::size_t thread = 1; thread < threads; ++thread) {
    pool->workers_.emplace_back([raw = pool.get(), thread] { raw->work(thread); });
  }
  // A thread that has reached its loop makes no more of the
  // system calls that starting takes: a sandbox may follow.
  const auto workers = static_cast<std::uint32_t>(pool->workers_.size());
  for (std::uint32_t up = pool->started_.load(std::memory_order_acquire); up != workers;) {
    pool->started_.wait(up, std::memory_order_acquire);
    up = pool->started_.load(std::memory_order_acquire);
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  loop_.fetch_add(1, std::memory_order_release);
  loop_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(std::size_t tasks, Call call, const void* context) {
  KERNELS_CHECK(tasks <= UINT32_MAX);
  if (workers_.empty() || tasks <= 1) {
    for (std::size_t task = 0; task < tasks; ++task) call(context, task, 0);
    return;
  }
  const std::uint32_t loop = loop_.load(std::memory_order_relaxed) + 1;
  // Close the old loop first: a late worker that pairs an old ticket with a new field has thereby
  // seen this store (the fields are released after it), so its exchange of the old ticket fails.
  ticket_.store(std::uint64_t{loop} << 32U | UINT32_MAX, std::memory_order_relaxed);
  call_.store(call, std::memory_order_release);
  context_.store(context, std::memory_order_release);
  tasks_.store(static_cast<std::uint32_t>(tasks), std::memory_order_release);
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(std::uint64_t{loop} << 32U, std::memory_order_release);
  loop_.store(loop, std::memory_order_release);
  loop_.notify_all();

  take_tasks(0);
  const auto all_done = [&] { return done_.load(std::memory_order_acquire) == tasks; };
  if (spin_until(all_done)) return;
  for (std::uint32_t done = done_.load(std::memory_order_acquire); done != tasks;) {
    done_.wait(done, std::memory_order_acquire);
    done = done_.load(std::memory_order_acquire);
  }
}

void ThreadPool::take_tasks(std::size_t thread) {
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  for (;;) {
    const Call call = call_.load(std::memory_order_acquire);
    const void* context = context_.load(std::memory_order_acquire);
    const std::uint32_t tasks = tasks_.load(std::memory_order_acquire);
    const auto task = static_cast<std::uint32_t>(ticket);
    if (task >= tasks) return;
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
      continue;
    }
    call(context, task, thread);
    const std::uint32_t done = done_.fetch_add(1, std::memory_order_acq_rel) + 1;
    if (done == tasks) done_.notify_one();
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

void ThreadPool::work(std::size_t thread) {
  started_.fetch_add(1, std::memory_order_release);
  started_.notify_one();
  std::uint32_t seen = 0;
  while (wait_for_loop(seen)) {
    seen = loop_.load(std::memory_order_acquire);
    take_tasks(thread);
  }
}

// Returns once loop_ differs from `seen`; false when the pool is ending.
bool ThreadPool::wait_for_loop(std::uint32_t seen) const {
  const auto changed = [&] { return loop_.load(std::memory_order_acquire) != seen; };
  if (!spin_until(changed)) {
    while (!changed()) loop_.wait(seen, std::memory_order_acquire);
  }
  return !stop_.load(std::memory_order_relaxed);
}

}  // namespace kernels::cpu
