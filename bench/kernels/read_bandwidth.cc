#include "bench/kernels/read_bandwidth.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace bench {
namespace {

// Sums 64 bytes at a time; the compiler is kept from dropping the sum, not from vectorising it.
std::uint64_t sum(const std::uint64_t* words, std::size_t count) {
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 8 <= count; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
  }
  std::uint64_t all = 0;
  for (const std::uint64_t each : sums) all += each;
  return all;
}

}  // namespace

double read_bandwidth(std::size_t bytes, std::size_t threads) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 0;
  (void)madvise(memory, bytes, MADV_HUGEPAGE);
  std::memset(memory, 1, bytes);
  const std::size_t words = bytes / sizeof(std::uint64_t) / threads;
  double best = 0;
  std::vector<std::uint64_t> sums(threads);
  for (int round = 0; round < 5; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> readers;
    for (std::size_t t = 0; t < threads; ++t) {
      readers.emplace_back(
          [&, t] { sums[t] = sum(static_cast<const std::uint64_t*>(memory) + t * words, words); });
    }
    for (std::thread& reader : readers) reader.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    best = std::max(best,
                    static_cast<double>(words * sizeof(std::uint64_t) * threads) / seconds.count());
  }
  const volatile std::uint64_t keep = sums[0];
  (void)keep;
  (void)munmap(memory, bytes);
  return best;
}

}  // namespace bench
