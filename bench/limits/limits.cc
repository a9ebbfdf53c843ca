#include "bench/limits/limits.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

#include "bench/limits/memory_limits.h"
#include "bench/limits/processor.h"
#include "bench/limits/threaded_rate.h"

namespace bench {
namespace {

constexpr std::size_t kRounds = 8;
constexpr double kRoundSeconds = 0.006;  // long against starting threads, short against neighbours

struct alignas(64) Near {
  std::byte bytes[kNearBytes];
};

// Small numbers in each reading: halves and floats near 1, bytes of either sign.
std::unique_ptr<Near> make_near() {
  auto near = std::make_unique<Near>();
  constexpr std::uint32_t kTwoHalves = 0x3c013c01;
  for (std::size_t i = 0; i < kNearBytes; i += sizeof kTwoHalves) {
    std::memcpy(near->bytes + i, &kTwoHalves, sizeof kTwoHalves);
  }
  return near;
}

std::size_t rounds_for(const ComputeLoop& loop, const std::byte* near) {
  for (std::size_t rounds = 1024;; rounds *= 2) {
    const auto begin = std::chrono::steady_clock::now();
    loop.run(rounds, near);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (taken.count() >= kRoundSeconds) return rounds;
  }
}

Limit measure_loop(const ComputeLoop& loop, const std::byte* near, std::size_t threads) {
  const std::size_t rounds = rounds_for(loop, near);
  const double ops = loop.ops_per_round * static_cast<double>(rounds);
  const auto work = [&](std::size_t) { loop.run(rounds, near); };
  return {std::string(loop.key), std::string(loop.what), LimitUnit::kOpsPerSecond,
          best_rate(1, kRounds, ops, work),
          best_rate(threads, kRounds, ops * static_cast<double>(threads), work)};
}

}  // namespace

const Limit* MachineLimits::find(std::string_view key) const {
  const auto found = std::find_if(limits.begin(), limits.end(),
                                  [key](const Limit& limit) { return limit.key == key; });
  return found == limits.end() ? nullptr : &*found;
}

MachineLimits measure_limits(std::size_t threads) {
  MachineLimits limits;
  limits.threads = threads;
  measure_memory(limits);
  const auto near = make_near();
  for (const ComputeLoop& loop : usable_loops()) {
    limits.limits.push_back(measure_loop(loop, near->bytes, threads));
  }
  return limits;
}

}  // namespace bench
