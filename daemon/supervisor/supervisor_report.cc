// What the supervisor tells others: systemd, and whoever asks for the status.
#include <fmt/format.h>
#include <unistd.h>

#include "daemon/supervisor/supervisor.h"

namespace daemon_supervisor {
namespace {

// Reported progress keeps systemd from ending a long start; the next report is due well within
// this.
constexpr std::int64_t kExtendStartMs = 180'000;

constexpr std::string_view kActivate = "activate ";
constexpr std::string_view kRestart = " restart";
constexpr std::string_view kCosign = "cosign ";
constexpr std::string_view kGpuClear = "gpu clear ";

std::string asked_by(std::uint32_t uid) {
  return fmt::format("asked for by uid {}", uid);
}

base::Json model_json(const EngineModel& model) {
  return base::Json::object({{"name", model.name},
                             {"path", model.path},
                             {"id", model.id},
                             {"sequence", model.sequence},
                             {"version", model.version}});
}

}  // namespace

// ---- systemd ------------------------------------------------------------------------------------

void Supervisor::tell_systemd(std::int64_t now_ms) {
  notifier_.flush();
  const Role& engine = engine_->role;
  if (engine.progress_done() != announced_progress_) {
    announced_progress_ = engine.progress_done();
    notifier_.extend_start(kExtendStartMs);
  }
  // The start is over when all serve, and also when engine or auditor are known to keep failing:
  // the gateway says so to clients, the status to people, and a restart of everything would cure
  // nothing. It is over once: a role that fails later is ours to restart, and a reload ends whether
  // or not all run.
  // (A gateway that never serves is a start that fails.)
  const auto settled = [now_ms](const Role& role) { return role.ready() || role.degraded(now_ms); };
  const bool started = settled(engine) && settled(auditor_);
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
  const Role& engine = engine_->role;
  if (kept_version_ == engine.weights_version()) return;
  const KeptWeights* weights = engine.weights();
  const bool told = weights != nullptr ? notifier_.keep(weights->fd, kWeightsName)
                                       : notifier_.forget(kWeightsName);
  if (told) kept_version_ = engine.weights_version();
}

std::string Supervisor::status_line(std::int64_t now_ms) const {
  if (phase_ != Phase::kRunning) return "stopping";
  const Role& engine = engine_->role;
  if (audit_health_.alarm()) return "ALARM: audit " + audit_health_.sentence();
  for (const Role* role : {&engine, &gateway_, &auditor_}) {
    if (role->degraded(now_ms) && !role->ready()) {
      return fmt::format("ALARM: {} degraded: it keeps failing, the last time: {}", role->name(),
                         role->last_exit());
    }
  }
  for (const Role* role : {&engine, &gateway_, &auditor_}) {
    if (role->ready()) continue;
    const std::string detail = role->progress().empty() ? "" : ": " + role->progress();
    return fmt::format("{} {}{}", role->name(), role_state_name(role->state()), detail);
  }
  const std::string alarm = gpu_alarm(now_ms);
  const std::string serving =
      fmt::format("{}serving {} on {}", alarm.empty() ? "" : "ALARM: " + alarm + "; ",
                  engine_->model.name, parts_.listeners);
  return candidate_ ? fmt::format("{}; {} is on trial", serving, candidate_->model.name) : serving;
}

// ---- redoubt status, reload, models -------------------------------------------------------------

std::string_view Supervisor::state_name(std::int64_t now_ms) const {
  if (phase_ != Phase::kRunning) return "stopping";
  const std::initializer_list<const Role*> needed = {&gateway_, &engine_->role, &auditor_};
  for (const Role* role : needed) {
    if (role->degraded(now_ms)) return "degraded";
  }
  for (const Role* role : needed) {
    if (!role->ready()) return "starting";
  }
  switch (audit_health_.state()) {
    case AuditState::kAppending:
      return "ready";
    case AuditState::kSilent:
    case AuditState::kFailing:
      return "degraded";
    case AuditState::kStarting:
    case AuditState::kDown:  // its successor is there and has not said yet where it is
      break;
  }
  return "starting";
}

base::Json Supervisor::status_report(std::int64_t now_ms) const {
  base::Json report = parts_.facts;
  report.set("model", model_json(engine_->model));
  report.set("state", state_name(now_ms));
  report.set("pid", std::int64_t{::getpid()});
  report.set("uptime_ms", now_ms - started_at_);
  report.set("quarantined", std::uint64_t{quarantine_.size()});
  if (const base::Json* last = reload_.last_outcome()) report.set("last_reload", *last);
  base::Json list = base::Json::array();
  for (const Role* role : this->roles()) list.push_back(role->serialize(now_ms));
  report.set("roles", std::move(list));
  report.set("models", parts_.models->report());
  report.set("activation", activation_report());
  report.set("audit", audit_report());
  if (gpus_) report.set("gpu", gpus_->report(now_ms));
  return report;
}

base::Json Supervisor::activation_report() const {
  base::Json report = change_.serialize();
  if (candidate_) {
    report.set("candidate", model_json(candidate_->model));
    report.set("progress", candidate_->role.progress());
  } else if (engine_->model.on_trial) {
    report.set("candidate", model_json(engine_->model));
    report.set("progress", engine_->role.progress());
  }
  if (retiring_) {
    report.set("retiring", model_json(retiring_->model));
    report.set("retiring_requests", retiring_requests_.value_or(0));
  }
  return report;
}

std::string Supervisor::answer_activation(const base::Result<std::uint64_t>& number) const {
  if (number.ok()) return base::Json::object({{"activation", number.value()}}).dump();
  return base::Json::object({{"error", number.error().message}}).dump();
}

std::optional<std::string> Supervisor::answer_reload(std::uint64_t& ticket, std::uint32_t uid,
                                                     std::int64_t now_ms) {
  if (ticket == 0) ticket = begin_reload(asked_by(uid), now_ms);
  if (ticket == 0)
    return base::Json::object({{"reload", "refused"}, {"error", "the service is stopping"}}).dump();
  const base::Json* outcome = reload_.outcome(ticket);
  return outcome != nullptr ? std::optional(outcome->dump()) : std::nullopt;
}

std::optional<std::string> Supervisor::answer(std::string_view request, std::uint64_t& ticket,
                                              std::uint32_t uid, std::int64_t now_ms) {
  if (request == "status") return status_report(now_ms).dump();
  if (request == "reload") return answer_reload(ticket, uid, now_ms);
  if (request == "activation") return activation_report().dump();
  if (request == "acts") return base::Json::object({{"taken", std::uint64_t{take_acts()}}}).dump();
  if (request.starts_with(kCosign))
    return answer_cosign(request.substr(kCosign.size()), ticket, now_ms);
  if (request.starts_with(kGpuClear))
    return answer_gpu_clear(request.substr(kGpuClear.size()), now_ms);
  // Both answer at once, and whoever asked looks at "activation" as long as he likes.
  const bool restart = request.ends_with(kRestart);
  if (restart) request.remove_suffix(kRestart.size());
  if (!change_.under_way()) asked_by_ = asked_by(uid);
  if (request == "rollback") return answer_activation(roll_back(restart, now_ms));
  if (request.starts_with(kActivate))
    return answer_activation(
        activate(std::string(request.substr(kActivate.size())), restart, now_ms));
  return base::Json::object({{"error",
                              "requests are: status, reload, activation, activate ID [restart], "
                              "rollback [restart], acts, cosign NOTE, gpu clear UUID"}})
      .dump();
}

}  // namespace daemon_supervisor
