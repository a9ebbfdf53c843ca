// Seconds of one call: the median of some, after one that is not counted.
#ifndef BENCH_KERNELS_CALL_TIME_H_
#define BENCH_KERNELS_CALL_TIME_H_

#include <chrono>
#include <vector>

#include "bench/statistics.h"

namespace bench {

// call(i) for i = 0, 1, … Goes on for about a fifth of a second, at least three calls; `quick`:
// one.
template <typename Call>
double call_seconds(bool quick, const Call& call) {
  using Clock = std::chrono::steady_clock;
  constexpr double kEnough = 0.2;
  constexpr std::size_t kCallsMin = 3;
  constexpr std::size_t kCallsMax = 2000;
  call(0);
  std::vector<double> seconds;
  double total = 0;
  const std::size_t least = quick ? 1 : kCallsMin;
  while (seconds.size() < least || (!quick && total < kEnough && seconds.size() < kCallsMax)) {
    const auto begin = Clock::now();
    call(seconds.size() + 1);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    total += seconds.back();
  }
  return median(seconds);
}

}  // namespace bench

#endif  // BENCH_KERNELS_CALL_TIME_H_
