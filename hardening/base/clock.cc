#include "hardening/base/clock.h"

#include <ctime>

namespace base {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int64_t kNsPerUs = 1'000;

timespec read_clock(clockid_t id) {
  timespec now{};
  ::clock_gettime(id, &now);
  return now;
}

}  // namespace

std::int64_t SystemClock::monotonic_ns() const {
  const timespec now = read_clock(CLOCK_MONOTONIC);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

std::int64_t SystemClock::unix_seconds() const { return read_clock(CLOCK_REALTIME).tv_sec; }

std::int64_t SystemClock::unix_us() const {
  const timespec now = read_clock(CLOCK_REALTIME);
  return now.tv_sec * kUsPerSecond + now.tv_nsec / kNsPerUs;
}

}  // namespace base
