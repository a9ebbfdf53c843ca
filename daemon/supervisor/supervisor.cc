#include "daemon/supervisor/supervisor.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "daemon/ipc/channel.h"
#include "daemon/supervisor/signals.h"

namespace daemon_supervisor {
namespace {

// Reported progress keeps systemd from ending a long start; the next report is due well within
// this.
constexpr std::int64_t kExtendStartMs = 180'000;

}  // namespace

Supervisor::Supervisor(SupervisorParts parts, const base::Logger& log, const base::Clock& clock)
    : log_(log),
      clock_(clock),
      parts_(std::move(parts)),
      gateway_(std::move(parts_.gateway), log),
      engine_(std::move(parts_.engine), log) {}

void Supervisor::run() {
  started_at_ = now();
  engine_.start(started_at_);  // it takes longest
  gateway_.start(started_at_);
  while (phase_ != Phase::kStopped) {
    const std::int64_t before = now();
    introduce_roles(before);
    tell_engine_state(before);
    tell_systemd(before);
    wait_for_events(before);
    const std::int64_t after = now();
    handle_signals(after);
    for (Role* role : {&gateway_, &engine_}) {
      role->read_control(after);  // what it said before it ended counts
      role->collect_exit(after);
      role->tick(after);
    }
    parts_.control_socket.serve(
        after, [this, after](std::string_view request) { return answer(request, after); });
    advance_stop(after);
  }
  log_.notice("stopped");
}

void Supervisor::wait_for_events(std::int64_t now_ms) {
  std::vector<pollfd> waits;
  waits.push_back({parts_.signals.get(), POLLIN, 0});
  std::int64_t deadline =
      std::min(parts_.control_socket.next_deadline(), notifier_.next_watchdog());
  for (const Role* role : {&gateway_, &engine_}) {
    if (role->control_fd() >= 0) waits.push_back({role->control_fd(), POLLIN, 0});
    if (role->exit_fd() >= 0) waits.push_back({role->exit_fd(), POLLIN, 0});
    deadline = std::min(deadline, role->next_deadline());
  }
  parts_.control_socket.add_to(waits);
  // A turn now and then keeps deadlines honest after a suspended machine.
  constexpr std::int64_t kTurnMs = 1'000;
  const auto timeout = static_cast<int>(std::clamp<std::int64_t>(deadline - now_ms, 0, kTurnMs));
  // Whatever poll says, every source is looked at: all of them are non-blocking.
  (void)::poll(waits.data(), waits.size(), timeout);
}

// ---- signals and the end ------------------------------------------------------------------------

void Supervisor::handle_signals(std::int64_t now_ms) {
  while (const auto signal = read_signal(parts_.signals)) {
    if (*signal == SIGHUP) {
      reload(now_ms);
    } else if (phase_ == Phase::kRunning) {
      begin_stop(now_ms);
    } else {
      log_.warning("told to stop once more: not waiting for requests");
      gateway_.stop(now_ms);
    }
  }
}

void Supervisor::begin_stop(std::int64_t now_ms) {
  log_.notice("stopping", {{"drain_timeout_ms", std::int64_t{parts_.drain_timeout_ms}}});
  phase_ = Phase::kDrainingGateway;
  gateway_.drain(now_ms, parts_.drain_timeout_ms);
}

// In reverse order of dependence: the gateway's requests need the engine until the last of them is
// answered.
void Supervisor::advance_stop(std::int64_t now_ms) {
  if (phase_ == Phase::kRunning) return;
  for (Role* role : {&gateway_, &engine_}) {
    if (role->state() == RoleState::kWaiting) role->stop(now_ms);  // nothing is started any more
  }
  if (phase_ == Phase::kDrainingGateway && gateway_.state() == RoleState::kStopped) {
    phase_ = Phase::kStoppingEngine;
    engine_.stop(now_ms);
  }
  if (phase_ == Phase::kStoppingEngine && engine_.state() == RoleState::kStopped)
    phase_ = Phase::kStopped;
}

// The listening sockets are ours, so clients that arrive meanwhile wait instead of being refused.
void Supervisor::reload(std::int64_t now_ms) {
  if (phase_ != Phase::kRunning) return;
  auto config = parts_.reload_gateway_config();
  if (!config.ok()) {
    log_.error("reload failed, everything stays as it is", {{"why", config.error().message}});
    return;
  }
  log_.notice("reloading keys and certificate");
  gateway_.replace_config(std::move(config).value());
  if (!gateway_.ready()) return;
  gateway_.drain(now_ms, parts_.drain_timeout_ms);
  gateway_.restart_when_stopped();
}

// ---- gateway and engine meet --------------------------------------------------------------------

void Supervisor::introduce_roles(std::int64_t now_ms) {
  if (phase_ != Phase::kRunning || !gateway_.ready() || !engine_.ready()) return;
  if (introduced_gateway_ == gateway_.generation() && introduced_engine_ == engine_.generation())
    return;
  auto ends = daemon_ipc::Channel::create_pair();
  if (!ends.ok()) {
    log_.error("no channel between gateway and engine", {{"why", ends.error().message}});
    return;
  }
  introduced_gateway_ = gateway_.generation();
  introduced_engine_ = engine_.generation();
  gateway_.send(daemon_ipc::PeerChannel{}, &ends.value().first, now_ms);
  engine_.send(daemon_ipc::PeerChannel{}, &ends.value().second, now_ms);
}

void Supervisor::tell_engine_state(std::int64_t now_ms) {
  if (!gateway_.ready()) return;
  auto condition = daemon_ipc::EngineCondition::kStarting;
  std::string text = "the model is being loaded";
  if (engine_.ready()) {
    condition = daemon_ipc::EngineCondition::kReady;
    text.clear();
  } else if (engine_.state() != RoleState::kStarting) {
    condition = daemon_ipc::EngineCondition::kDown;
    text = "the engine is being restarted";
  }
  const std::string state = fmt::format("{} {}", static_cast<int>(condition), text);
  if (told_gateway_ == gateway_.generation() && told_state_ == state) return;
  told_gateway_ = gateway_.generation();
  told_state_ = state;
  gateway_.send(daemon_ipc::EngineState{condition, text}, nullptr, now_ms);
}

// ---- systemd ------------------------------------------------------------------------------------

void Supervisor::tell_systemd(std::int64_t now_ms) {
  if (engine_.progress() != announced_progress_) {
    announced_progress_ = engine_.progress();
    notifier_.extend_start(kExtendStartMs);
  }
  if (gateway_.ready() && engine_.ready()) notifier_.ready();
  if (phase_ != Phase::kRunning) notifier_.stopping();
  notifier_.status(status_line(now_ms));
  // A role that even SIGKILL did not end is beyond us: silence makes systemd restart the whole
  // service.
  if (!gateway_.kill_overdue(now_ms) && !engine_.kill_overdue(now_ms)) notifier_.watchdog(now_ms);
}

std::string Supervisor::status_line(std::int64_t now_ms) const {
  if (phase_ != Phase::kRunning) return "stopping";
  for (const Role* role : {&engine_, &gateway_}) {
    if (role->ready()) continue;
    const std::string_view alarm = role->degraded(now_ms) ? ", degraded" : "";
    const std::string detail = role->progress().empty() ? "" : ": " + role->progress();
    return fmt::format("{} {}{}{}", role->name(), role_state_name(role->state()), alarm, detail);
  }
  return parts_.summary;
}

// ---- redoubt status -----------------------------------------------------------------------------

std::string_view Supervisor::state_name(std::int64_t now_ms) const {
  if (phase_ != Phase::kRunning) return "stopping";
  if (gateway_.degraded(now_ms) || engine_.degraded(now_ms)) return "degraded";
  return gateway_.ready() && engine_.ready() ? "ready" : "starting";
}

base::Json Supervisor::status_report(std::int64_t now_ms) const {
  base::Json report = parts_.facts;
  report.set("state", state_name(now_ms));
  report.set("pid", std::int64_t{::getpid()});
  report.set("uptime_ms", now_ms - started_at_);
  base::Json roles = base::Json::array();
  for (const Role* role : {&gateway_, &engine_}) roles.push_back(role->serialize(now_ms));
  report.set("roles", std::move(roles));
  return report;
}

std::string Supervisor::answer(std::string_view request, std::int64_t now_ms) {
  if (request == "status") return status_report(now_ms).dump();
  if (request == "reload") {
    reload(now_ms);
    return base::Json::object({{"reload", "begun"}}).dump();
  }
  return base::Json::object({{"error", "requests are: status, reload"}}).dump();
}

}  // namespace daemon_supervisor
