// How long to go on asking whether something is done: eagerly at first, since a step of a small
// model takes two milliseconds; later in sleeps of a small share of what has passed, so that
// waiting costs neither a processor nor, in proportion, time.
#ifndef KERNELS_CUDA_PATIENCE_H_
#define KERNELS_CUDA_PATIENCE_H_

#include <time.h>

#include <algorithm>
#include <cstdint>

namespace kernels::cuda {

class Patience {
 public:
  // 0: without end.
  explicit Patience(std::uint32_t deadline_ms)
      : began_ns_(now_ns()), deadline_ns_(std::int64_t{deadline_ms} * 1'000'000) {}

  // False when the deadline has passed; otherwise lets a little time pass.
  bool wait() const {
    const std::int64_t passed_ns = now_ns() - began_ns_;
    if (deadline_ns_ > 0 && passed_ns >= deadline_ns_) return false;
    if (passed_ns < kEagerNs) return true;
    const timespec pause{0, static_cast<long>(std::clamp<std::int64_t>(passed_ns / kShare,
                                                                       kPauseMinNs, kPauseMaxNs))};
    (void)::nanosleep(&pause, nullptr);
    return true;
  }

 private:
  static constexpr std::int64_t kEagerNs = 3'000'000;
  static constexpr std::int64_t kShare = 128;
  static constexpr std::int64_t kPauseMinNs = 20'000;
  static constexpr std::int64_t kPauseMaxNs = 2'000'000;

  static std::int64_t now_ns() {
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }

  std::int64_t began_ns_;
  std::int64_t deadline_ns_;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_PATIENCE_H_
