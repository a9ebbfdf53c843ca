#include "kernels/cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <chrono>
#include <numeric>
#include <vector>

namespace {

using kernels::cpu::ThreadPool;

TEST(ThreadPool, RunsEveryTaskOnceInEveryOfManyLoops) {
  for (const std::size_t threads : {1U, 2U, 5U}) {
    const auto pool = ThreadPool::create(threads);
    ASSERT_NE(pool, nullptr);
    EXPECT_EQ(pool->threads(), threads);
    for (std::size_t loop = 0; loop < 500; ++loop) {
      std::vector<int> runs(loop %
                            17);  // one writer each: no atomics, so that a race shows under TSan
      pool->parallel_for(runs.size(), [&](std::size_t task, std::size_t) { ++runs[task]; });
      ASSERT_EQ(std::accumulate(runs.begin(), runs.end(), 0), static_cast<int>(runs.size()));
    }
  }
}

TEST(ThreadPool, GivesEachThreadScratchOfItsOwn) {
  const auto pool = ThreadPool::create(4);
  std::vector<std::size_t> counts(4 * 16);  // a cache line each
  for (int loop = 0; loop < 100; ++loop) {
    pool->parallel_for(64, [&](std::size_t, std::size_t thread) { ++counts[thread * 16]; });
  }
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::size_t{0}), 6400U);
}

double cpu_seconds() {
  rusage usage{};
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(ThreadPool, UsesNoProcessorWhileIdle) {
  const auto pool = ThreadPool::create(3);
  pool->parallel_for(8, [](std::size_t, std::size_t) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LT(cpu_seconds() - before, 0.02);
}

}  // namespace
