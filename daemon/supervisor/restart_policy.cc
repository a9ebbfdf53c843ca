#include "daemon/supervisor/restart_policy.h"

#include <algorithm>

namespace daemon_supervisor {

std::int64_t RestartPolicy::failed(std::int64_t now, bool had_been_ready) {
  failures_.push_back(now);
  if (failures_.size() > limits_.intensity + 1) failures_.pop_front();
  if (had_been_ready)
    next_delay_ms_ = 0;
  else if (next_delay_ms_ == 0)
    next_delay_ms_ = limits_.delay_min_ms;
  else
    next_delay_ms_ = std::min(2 * next_delay_ms_, limits_.delay_max_ms);
  return degraded(now) ? limits_.delay_max_ms : next_delay_ms_;
}

void RestartPolicy::forgive() {
  if (!failures_.empty()) failures_.pop_back();
}

bool RestartPolicy::degraded(std::int64_t now) const {
  return failures_.size() > limits_.intensity && now - failures_.front() <= limits_.period_ms;
}

}  // namespace daemon_supervisor
