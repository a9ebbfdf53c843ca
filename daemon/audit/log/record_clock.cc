#include "daemon/audit/log/record_clock.h"

#include <algorithm>

#include "daemon/audit/records/record.h"

namespace daemon_audit {
namespace {

constexpr std::int64_t kStepUs = 1'000'000;
constexpr std::int64_t kNsPerUs = 1'000;

}  // namespace

void RecordClock::resume(std::int64_t time_us, std::int64_t monotonic_us, bool same_boot) {
  last_ = Last{.time_us = time_us, .monotonic_us = monotonic_us, .same_boot = same_boot};
}

RecordClock::Reading RecordClock::read() const {
  Reading now;
  now.time_us = std::clamp(clock_.unix_us(), std::int64_t{0}, kRecordTimeUsMax);
  now.monotonic_us = clock_.monotonic_ns() / kNsPerUs;
  if (!last_) return now;
  const std::int64_t elapsed = last_->same_boot
                                   ? now.monotonic_us - last_->monotonic_us
                                   : std::max(now.time_us - last_->time_us, std::int64_t{0});
  const std::int64_t step = now.time_us - last_->time_us - elapsed;
  if (step > kStepUs || step < -kStepUs) {
    now.step_us = step;
    now.step_time_us = std::max(now.time_us, last_->time_us);
  } else {
    now.time_us = std::max(now.time_us, last_->time_us);
  }
  return now;
}

void RecordClock::keep(const Reading& reading) {
  last_ = Last{.time_us = reading.time_us, .monotonic_us = reading.monotonic_us};
}

}  // namespace daemon_audit
