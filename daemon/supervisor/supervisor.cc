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
      auditor_(std::move(parts_.audit.auditor), log),
      gateway_(std::move(parts_.gateway), log),
      engine_(std::make_unique<EngineSeat>(std::move(parts_.engine), log)),
      reload_(std::move(parts_.read_again), log),
      acts_(parts_.audit.acts) {
  if (parts_.gpus) {
    health_.emplace(std::move(parts_.gpus->health), log);
    gpus_.emplace(std::move(parts_.gpus->watch));
    excluded_version_ = gpus_->excluded_version();  // the engine was opened with them
  }
  engine_->number = 1;
  if (parts_.weights) engine_->role.give_weights(*std::exchange(parts_.weights, std::nullopt));
  kept_version_ = engine_->role.weights_version();
}

std::vector<Role*> Supervisor::roles() {
  std::vector<Role*> all{&auditor_, &gateway_, &engine_->role};
  if (retiring_) all.push_back(&retiring_->role);
  if (candidate_) all.push_back(&candidate_->role);
  for (const auto& engine : dismissed_) all.push_back(&engine->role);
  if (health_) all.push_back(&*health_);
  return all;
}

std::vector<const Role*> Supervisor::roles() const {
  const auto all = const_cast<Supervisor*>(this)->roles();
  return {all.begin(), all.end()};
}

// Those that clients need; an engine that nobody waits for is killed and that is all. Of an auditor
// whose disk does not answer they are told by the gateway, and a restart of everything cures no
// disk.
bool Supervisor::anything_stuck() const {
  return gateway_.stuck() || engine_->role.stuck() || (retiring_ && retiring_->role.stuck());
}

void Supervisor::run() {
  started_at_ = now();
  auditor_.start(started_at_);
  engine_->role.start(started_at_);  // it takes longest
  gateway_.start(started_at_);
  if (health_) health_->start(started_at_);
  report_start();
  while (phase_ != Phase::kStopped) {
    const std::int64_t before = now();
    tell_gateway(before);
    tell_systemd(before);
    const std::int64_t meant_ms = wait_for_events(before);
    const std::int64_t after = now();
    const std::int64_t late_ms = after - before - meant_ms;
    for (Role* role : roles()) {
      if (late_ms > kLateMs) role->excuse(late_ms);
    }
    take_turn(after);
  }
  log_.notice("stopped");
}

void Supervisor::take_turn(std::int64_t now_ms) {
  handle_signals(now_ms);
  for (Role* role : roles()) {
    role->read_control(now_ms);
    role->collect_exit(now_ms);
  }
  report_roles();
  hear_roles(now_ms);
  watch_engines(now_ms);  // before a model is judged by how its engine ended
  if (phase_ == Phase::kRunning) reload_.advance(gateway_, now_ms);
  advance_models(now_ms);
  advance_gpus(now_ms);
  advance_audit(now_ms);
  advance_stop(now_ms);
  for (Role* role : roles()) role->tick(now_ms);
  parts_.control_socket.serve(
      now_ms, [this, now_ms](std::string_view request, std::uint64_t& ticket, std::uint32_t uid) {
        return answer(request, ticket, uid, now_ms);
      });
}

std::int64_t Supervisor::wait_for_events(std::int64_t now_ms) {
  std::vector<pollfd> waits;
  waits.push_back({parts_.signals.get(), POLLIN, 0});
  std::int64_t deadline = std::min(parts_.control_socket.next_deadline(), reload_.next_deadline());
  for (const EngineSeat* engine : linked_engines())
    deadline = std::min(deadline, next_introduction(*engine));
  deadline = std::min(deadline, next_audit_introduction());
  if (gpus_) deadline = std::min(deadline, gpus_->next_deadline().value_or(Liveness::kNever));
  if (!anything_stuck()) deadline = std::min(deadline, notifier_.next_watchdog());
  for (const Role* role : roles()) {
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
      begin_reload("SIGHUP", now_ms);
    } else if (phase_ == Phase::kRunning) {
      begin_stop(*signal == SIGINT ? "SIGINT" : "SIGTERM", now_ms);
    } else {
      log_.warning("told to stop once more: not waiting for requests");
      gateway_.stop(now_ms);
    }
  }
}

std::uint64_t Supervisor::begin_reload(std::string why, std::int64_t now_ms) {
  if (phase_ != Phase::kRunning) return 0;
  reload_why_ = std::move(why);
  // To the microsecond: a time rounded down would lie before systemd's own wish to reload.
  notifier_.reloading(clock_.monotonic_ns() / 1'000);
  // Whoever reloads has repaired something, perhaps.
  if (engine_->role.degraded(now_ms)) engine_->role.retry_now(now_ms);
  if (auditor_.degraded(now_ms)) auditor_.retry_now(now_ms);
  if (health_ && health_->degraded(now_ms)) health_->retry_now(now_ms);
  return reload_.request();
}

// ---- the end ------------------------------------------------------------------------------------

void Supervisor::begin_stop(std::string_view reason, std::int64_t now_ms) {
  report("service.stopping", base::Json::object({{"reason", reason}}));
  const std::uint32_t drain_ms = parts_.drain_timeout_ms();
  log_.notice("stopping", {{"drain_timeout_ms", std::int64_t{drain_ms}}});
  phase_ = Phase::kDrainingGateway;
  reload_.cancel("the service is stopping");
  notifier_.stopping(drain_ms + kStopMarginMs);
  gateway_.drain(now_ms, drain_ms);
  forgive_trial();
  if (candidate_) dismiss(std::move(candidate_), now_ms);
  if (health_) health_->stop(now_ms);
}

// In reverse order of dependence: the gateway's requests need the engine until the last of them is
// answered, even one that dies and is started again meanwhile; and all of them the auditor.
void Supervisor::advance_stop(std::int64_t now_ms) {
  if (phase_ == Phase::kRunning) return;
  const auto ended = [now_ms](Role& role) {
    if (role.state() == RoleState::kWaiting) role.stop(now_ms);  // it is not started any more
    return role.state() == RoleState::kStopped || role.kill_overdue(now_ms);
  };
  if (phase_ == Phase::kDrainingGateway && ended(gateway_)) {
    phase_ = Phase::kStoppingEngine;
    engine_->role.stop(now_ms);
    if (retiring_) retiring_->role.stop(now_ms);
  }
  if (phase_ == Phase::kStoppingEngine) {
    const auto all = roles();
    const bool over = std::all_of(all.begin(), all.end(),
                                  [&](Role* role) { return role == &auditor_ || ended(*role); });
    if (!over) return;
    phase_ = Phase::kStoppingAuditor;
    stop_auditor_at_ = now_ms + auditor_.stop_ms();
  }
  if (phase_ != Phase::kStoppingAuditor) return;
  stop_auditor(now_ms);
  if (auditor_.state() == RoleState::kStopped || auditor_.kill_overdue(now_ms))
    phase_ = Phase::kStopped;
}

// When it has written down all of this, or cannot.
void Supervisor::stop_auditor(std::int64_t now_ms) {
  const bool may_come = auditor_.serving() || auditor_.state() == RoleState::kStarting;
  if (may_come && !audit_.all_durable() && now_ms < stop_auditor_at_) return;
  if (auditor_.state() == RoleState::kStopping || auditor_.state() == RoleState::kStopped) return;
  if (!audit_.all_durable()) {
    log_.error("ALARM: the end of the service is not in the audit log",
               {{"records", static_cast<std::int64_t>(audit_.waiting())}});
  }
  auditor_.stop(now_ms);
}

}  // namespace daemon_supervisor
