// Time as an interface, so that tests can turn the hands.
#ifndef HARDENING_BASE_CLOCK_H_
#define HARDENING_BASE_CLOCK_H_

#include <cstdint>

namespace base {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t monotonic_ns() const = 0;  // CLOCK_MONOTONIC: for durations and deadlines
  virtual std::int64_t unix_seconds() const = 0;  // CLOCK_REALTIME: for what people read
  // The same in microseconds; a clock that has no finer hands says whole seconds.
  virtual std::int64_t unix_us() const { return unix_seconds() * 1'000'000; }
};

class SystemClock final : public Clock {
 public:
  std::int64_t monotonic_ns() const override;
  std::int64_t unix_seconds() const override;
  std::int64_t unix_us() const override;
};

}  // namespace base

#endif  // HARDENING_BASE_CLOCK_H_
