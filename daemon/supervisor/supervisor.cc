#include "daemon/supervisor/supervisor.h"

#include <poll.h>

#include <algorithm>
#include <csignal>

#include "daemon/supervisor/signals.h"

namespace daemon_supervisor {
namespace {

// A turn that begins so much later than it was meant to means that we ourselves were stopped: a
// frozen machine, a debugger. What the roles did not do in that time is not held against them.
constexpr std::int64_t kLateMs = 1'000;

// From the end of draining to the end of the service: each role has stop_ms to end by itself and is
// then killed.
constexpr std::int64_t kStopMarginMs = 15'000;

}  // namespace

Supervisor::Supervisor(SupervisorParts parts, const base::Logger& log, const base::Clock& clock)
    : log_(log),
      clock_(clock),
      parts_(std::move(parts)),
      gateway_(std::move(parts_.gateway), log),
      engine_(std::move(parts_.engine), log),
      reload_(std::move(parts_.read_again), log) {
  if (parts_.weights) engine_.give_weights(*std::exchange(parts_.weights, std::nullopt));
  kept_version_ = engine_.weights_version();
}

void Supervisor::run() {
  started_at_ = now();
  engine_.start(started_at_);  // it takes longest
  gateway_.start(started_at_);
  while (phase_ != Phase::kStopped) {
    const std::int64_t before = now();
    introduce_roles(before);
    tell_engine_ended(before);
    tell_engine_state(before);
    tell_quarantine(before);
    tell_systemd(before);
    const std::int64_t meant_ms = wait_for_events(before);
    const std::int64_t after = now();
    const std::int64_t late_ms = after - before - meant_ms;
    for (Role* role : {&gateway_, &engine_}) {
      if (late_ms > kLateMs) role->excuse(late_ms);
    }
    take_turn(after);
  }
  log_.notice("stopped");
}

void Supervisor::take_turn(std::int64_t now_ms) {
  handle_signals(now_ms);
  for (Role* role : {&gateway_, &engine_}) {
    role->read_control(now_ms);  // what it said before it ended counts
    role->collect_exit(now_ms);
  }
  hear_roles(now_ms);
  if (phase_ == Phase::kRunning) reload_.advance(gateway_, now_ms);
  advance_stop(now_ms);
  for (Role* role : {&gateway_, &engine_}) role->tick(now_ms);
  parts_.control_socket.serve(now_ms,
                              [this, now_ms](std::string_view request, std::uint64_t& ticket) {
                                return answer(request, ticket, now_ms);
                              });
}

std::int64_t Supervisor::wait_for_events(std::int64_t now_ms) {
  std::vector<pollfd> waits;
  waits.push_back({parts_.signals.get(), POLLIN, 0});
  std::int64_t deadline = std::min(
      {parts_.control_socket.next_deadline(), reload_.next_deadline(), next_introduction()});
  if (!anything_stuck()) deadline = std::min(deadline, notifier_.next_watchdog());
  for (const Role* role : {&gateway_, &engine_}) {
    if (role->control_fd() >= 0) waits.push_back({role->control_fd(), POLLIN, 0});
    if (role->exit_fd() >= 0) waits.push_back({role->exit_fd(), POLLIN, 0});
    deadline = std::min(deadline, role->next_deadline());
  }
  parts_.control_socket.add_to(waits);
  // A turn now and then keeps deadlines honest, and says again what could not be said.
  constexpr std::int64_t kTurnMs = 1'000;
  const std::int64_t timeout = std::clamp<std::int64_t>(deadline - now_ms, 0, kTurnMs);
  // Whatever poll says, every source is looked at: all of them are non-blocking.
  (void)::poll(waits.data(), waits.size(), static_cast<int>(timeout));
  return timeout;
}

void Supervisor::handle_signals(std::int64_t now_ms) {
  while (const auto signal = read_signal(parts_.signals)) {
    if (*signal == SIGHUP) {
      begin_reload(now_ms);
    } else if (phase_ == Phase::kRunning) {
      begin_stop(now_ms);
    } else {
      log_.warning("told to stop once more: not waiting for requests");
      gateway_.stop(now_ms);
    }
  }
}

std::uint64_t Supervisor::begin_reload(std::int64_t now_ms) {
  if (phase_ != Phase::kRunning) return 0;
  // To the microsecond: a time rounded down would lie before systemd's own wish to reload.
  notifier_.reloading(clock_.monotonic_ns() / 1'000);
  // Whoever reloads has repaired something, perhaps.
  if (engine_.degraded(now_ms)) engine_.retry_now(now_ms);
  return reload_.request();
}

// ---- the end ------------------------------------------------------------------------------------

void Supervisor::begin_stop(std::int64_t now_ms) {
  const std::uint32_t drain_ms = parts_.drain_timeout_ms();
  log_.notice("stopping", {{"drain_timeout_ms", std::int64_t{drain_ms}}});
  phase_ = Phase::kDrainingGateway;
  reload_.cancel("the service is stopping");
  notifier_.stopping(drain_ms + kStopMarginMs);
  gateway_.drain(now_ms, drain_ms);
}

// In reverse order of dependence: the gateway's requests need the engine until the last of them is
// answered, even one that dies and is started again meanwhile.
void Supervisor::advance_stop(std::int64_t now_ms) {
  if (phase_ == Phase::kRunning) return;
  const auto ended = [now_ms](Role& role) {
    if (role.state() == RoleState::kWaiting) role.stop(now_ms);  // it is not started any more
    return role.state() == RoleState::kStopped || role.kill_overdue(now_ms);
  };
  if (phase_ == Phase::kDrainingGateway && ended(gateway_)) {
    phase_ = Phase::kStoppingEngine;
    engine_.stop(now_ms);
  }
  if (phase_ == Phase::kStoppingEngine && ended(engine_)) phase_ = Phase::kStopped;
}

}  // namespace daemon_supervisor
