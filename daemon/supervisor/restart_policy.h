// When a role that failed is started again: after 1, 2, 4 … 60 s. A role that was ready for a
// minute starts over at 1 s; one that fails five times in ten minutes is degraded, which is an
// alarm and the slowest pace, never the end.
#ifndef DAEMON_SUPERVISOR_RESTART_POLICY_H_
#define DAEMON_SUPERVISOR_RESTART_POLICY_H_

#include <cstdint>
#include <deque>

namespace daemon_supervisor {

class RestartPolicy {
 public:
  struct Limits {
    std::int64_t delay_min_ms = 1'000;
    std::int64_t delay_max_ms = 60'000;
    std::int64_t stable_ms = 60'000;
    std::size_t failures_max = 5;
    std::int64_t period_ms = 600'000;
  };

  explicit RestartPolicy(Limits limits) : limits_(limits) {}
  RestartPolicy() : RestartPolicy(Limits{}) {}

  // How long to wait. `ready_ms` is how long the role had been ready, 0 when it never was.
  std::int64_t failed(std::int64_t now, std::int64_t ready_ms);

  // Too many failures lie within the period before `now`.
  bool degraded(std::int64_t now) const;

 private:
  Limits limits_;
  std::int64_t next_delay_ms_ = 0;
  std::deque<std::int64_t> failures_;  // the latest failures_max
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_RESTART_POLICY_H_
