// Seconds of a launch: many of them are recorded and replayed, so that what is timed is the GPU and
// not its host.
#ifndef BENCH_GPU_RECORDED_TIME_H_
#define BENCH_GPU_RECORDED_TIME_H_

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "kernels/cuda/device.h"

namespace bench {

// launch(i) for i = 0 … launches - 1, which returns a Status; the median of seven rounds of at
// least 10 ms, per launch. Negative when the device failed.
template <typename Launch>
double recorded_seconds(kernels::cuda::Device& device, std::size_t launches, const Launch& launch) {
  using kernels::Status;
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kRounds = 7;
  constexpr double kRoundSeconds = 0.01;
  std::unique_ptr<kernels::cuda::Recording> recording;
  bool good = device.begin_recording() == Status::kOk;
  for (std::size_t i = 0; good && i < launches; ++i) good = launch(i) == Status::kOk;
  good = good && device.end_recording(&recording) == Status::kOk;
  const auto run = [&](std::size_t times) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; good && i < times; ++i) good = device.replay(*recording) == Status::kOk;
    good = good && device.synchronize() == Status::kOk;
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  if (good) run(2);
  const double once = std::max(run(1), 1e-6);
  const auto times = static_cast<std::size_t>(std::max(1.0, kRoundSeconds / once));
  std::vector<double> seconds;
  for (std::size_t round = 0; good && round < kRounds; ++round) {
    seconds.push_back(run(times) / static_cast<double>(times * launches));
  }
  if (!good) {
    std::fprintf(stderr, "the device failed, or does not support it: %s\n",
                 device.failure().c_str());
    return -1;
  }
  std::nth_element(seconds.begin(), seconds.begin() + kRounds / 2, seconds.end());
  return seconds[kRounds / 2];
}

}  // namespace bench

#endif  // BENCH_GPU_RECORDED_TIME_H_
