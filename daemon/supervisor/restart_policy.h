// When a role that failed is started again.
//
//   it had been ready            at once: what it did is lost, what waits for it is not
//   it never became ready        after 1, 2, 4 … 60 s
//   more than `intensity` failures within `period_ms`
//                                degraded: an alarm and the slowest pace, never the end
//
// The first two are how a role recovers, the third is how one that does not recover is kept from
// taking the machine with it (Erlang/OTP's intensity and period, without the step that ends
// everything).
#ifndef DAEMON_SUPERVISOR_RESTART_POLICY_H_
#define DAEMON_SUPERVISOR_RESTART_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <deque>

namespace daemon_supervisor {

class RestartPolicy {
 public:
  struct Limits {
    std::int64_t delay_min_ms = 1'000;
    std::int64_t delay_max_ms = 60'000;
    std::size_t intensity = 5;
    std::int64_t period_ms = 600'000;
  };

  explicit RestartPolicy(Limits limits) : limits_(limits) {}
  RestartPolicy() : RestartPolicy(Limits{}) {}

  // How long to wait, in milliseconds. Times never go back.
  std::int64_t failed(std::int64_t now, bool had_been_ready);

  // The last failure was somebody else's doing: it does not count any more.
  void forgive();

  // More failures than `intensity` lie within the period before `now`.
  bool degraded(std::int64_t now) const;

 private:
  Limits limits_;
  std::int64_t next_delay_ms_ = 0;     // of a start that fails; 0: the last one did not
  std::deque<std::int64_t> failures_;  // the latest intensity + 1
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_RESTART_POLICY_H_
