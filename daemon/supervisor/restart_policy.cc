#include "daemon/supervisor/restart_policy.h"

#include <algorithm>

namespace daemon_supervisor {

std::int64_t RestartPolicy::failed(std::int64_t now, std::int64_t ready_ms) {
  failures_.push_back(now);
  if (failures_.size() > limits_.failures_max) failures_.pop_front();
  const bool first_of_a_row = next_delay_ms_ == 0 || ready_ms >= limits_.stable_ms;
  next_delay_ms_ =
      first_of_a_row ? limits_.delay_min_ms : std::min(2 * next_delay_ms_, limits_.delay_max_ms);
  return degraded(now) ? limits_.delay_max_ms : next_delay_ms_;
}

bool RestartPolicy::degraded(std::int64_t now) const {
  return failures_.size() == limits_.failures_max && now - failures_.front() <= limits_.period_ms;
}

}  // namespace daemon_supervisor
