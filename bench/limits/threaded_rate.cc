#include "bench/limits/threaded_rate.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

double round_seconds(std::size_t threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> waiting{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> others;
  for (std::size_t thread = 1; thread < threads; ++thread) {
    others.emplace_back([&, thread] {
      waiting.fetch_add(1);
      while (!go.load()) {
      }
      work(thread);
    });
  }
  while (waiting.load() != threads - 1) std::this_thread::yield();
  const auto begin = Clock::now();
  go.store(true);
  work(0);
  for (std::thread& other : others) other.join();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

double best_rate(std::size_t threads, std::size_t rounds, double amount,
                 const std::function<void(std::size_t)>& work) {
  double best = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    best = std::max(best, amount / round_seconds(threads, work));
  }
  return best;
}

}  // namespace bench
