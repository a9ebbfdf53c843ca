// What the supervisor tells others: systemd, and whoever asks for the status.
#include <fmt/format.h>
#include <unistd.h>

#include "daemon/supervisor/supervisor.h"

namespace daemon_supervisor {
namespace {

// Reported progress keeps systemd from ending a long start; the next report is due well within
// this.
constexpr std::int64_t kExtendStartMs = 180'000;

}  // namespace

// ---- systemd ------------------------------------------------------------------------------------

void Supervisor::tell_systemd(std::int64_t now_ms) {
  notifier_.flush();
  if (engine_.progress_done() != announced_progress_) {
    announced_progress_ = engine_.progress_done();
    notifier_.extend_start(kExtendStartMs);
  }
  // The start is over when both serve, and also when the engine is known to keep failing: the
  // gateway says so to clients, the status to people, and a restart of everything would cure
  // nothing. It is over once: a role that fails later is ours to restart, and a reload ends whether
  // or not both run.
  // (A gateway that never serves is a start that fails.)
  const bool started = engine_.ready() || engine_.degraded(now_ms);
  if ((gateway_.ready() && started) || notifier_.told_ready()) {
    if (!reload_.under_way()) notifier_.ready();
  }
  notifier_.status(status_line(now_ms));
  keep_weights();
  // A role that is stuck, above all one that even SIGKILL does not end, is silence; silence that
  // lasts makes systemd restart the whole service.
  if (!anything_stuck()) notifier_.watchdog(now_ms);
}

void Supervisor::keep_weights() {
  auto& useless = parts_.useless;
  while (!useless.empty() && notifier_.forget(useless.back())) useless.pop_back();
  if (!useless.empty()) return;  // what comes after may have the same name
  if (kept_version_ == engine_.weights_version()) return;
  const KeptWeights* weights = engine_.weights();
  const bool told = weights != nullptr ? notifier_.keep(weights->fd, kWeightsName)
                                       : notifier_.forget(kWeightsName);
  if (told) kept_version_ = engine_.weights_version();
}

std::string Supervisor::status_line(std::int64_t now_ms) const {
  if (phase_ != Phase::kRunning) return "stopping";
  for (const Role* role : {&engine_, &gateway_}) {
    if (role->degraded(now_ms) && !role->ready()) {
      return fmt::format("ALARM: {} degraded: it keeps failing, the last time: {}", role->name(),
                         role->last_exit());
    }
  }
  for (const Role* role : {&engine_, &gateway_}) {
    if (role->ready()) continue;
    const std::string detail = role->progress().empty() ? "" : ": " + role->progress();
    return fmt::format("{} {}{}", role->name(), role_state_name(role->state()), detail);
  }
  return parts_.summary;
}

// ---- redoubt status and redoubt reload
// ------------------------------------------------------------

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
  report.set("quarantined", std::uint64_t{quarantine_.size()});
  if (const base::Json* last = reload_.last_outcome()) report.set("last_reload", *last);
  base::Json roles = base::Json::array();
  for (const Role* role : {&gateway_, &engine_}) roles.push_back(role->serialize(now_ms));
  report.set("roles", std::move(roles));
  return report;
}

std::optional<std::string> Supervisor::answer(std::string_view request, std::uint64_t& ticket,
                                              std::int64_t now_ms) {
  if (request == "status") return status_report(now_ms).dump();
  if (request == "reload") {
    if (ticket == 0) ticket = begin_reload(now_ms);
    if (ticket == 0)
      return base::Json::object({{"reload", "refused"}, {"error", "the service is stopping"}})
          .dump();
    const base::Json* outcome = reload_.outcome(ticket);
    return outcome != nullptr ? std::optional(outcome->dump()) : std::nullopt;
  }
  return base::Json::object({{"error", "requests are: status, reload"}}).dump();
}

}  // namespace daemon_supervisor
