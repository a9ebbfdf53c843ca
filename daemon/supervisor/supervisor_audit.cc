// The auditor as the supervisor keeps it: its channel to the gateway, and what the supervisor
// itself has to tell the log (daemon/audit/RECORDS.md section 1).
#include <fmt/format.h>

#include <algorithm>

#include "daemon/ipc/channel.h"
#include "daemon/supervisor/supervisor.h"
#include "provisioning/base64.h"
#include "provisioning/utc_time.h"

namespace daemon_supervisor {
namespace {

using base::Json;

// As between gateway and engine (supervisor_roles.cc).
constexpr std::int64_t kBetweenIntroductionsMs = 1'000;
// An auditor that has not answered, or not acknowledged, for so long is not there.
constexpr std::int64_t kSilentMs = 3'000;
constexpr std::int64_t kBetweenLooksMs = 10'000;
constexpr std::size_t kCosignsMax = 2 * ControlSocket::kClientsMax;

std::string error_json(std::string_view why) {
  return Json::object({{"error", why}}).dump();
}

}  // namespace

// ---- the channel between gateway and auditor ----------------------------------------------------

bool Supervisor::introducible_auditor() const {
  return gateway_.serving() && gateway_.reachable() && auditor_.serving() && auditor_.reachable();
}

bool Supervisor::introduced_auditor() const {
  return audit_link_.gateway == gateway_.generation() &&
         audit_link_.auditor == auditor_.generation();
}

std::int64_t Supervisor::next_audit_introduction() const {
  if (!audit_link_.lost || !introduced_auditor() || !introducible_auditor())
    return Liveness::kNever;
  return audit_link_.introduced_at + kBetweenIntroductionsMs;
}

void Supervisor::introduce_auditor(std::int64_t now_ms) {
  if (!introducible_auditor()) return;
  if (introduced_auditor() && now_ms < next_audit_introduction()) return;
  audit_link_.introduced_at = now_ms;
  auto ends = daemon_ipc::Channel::create_pair();
  if (!ends.ok()) {
    log_.error("no channel between gateway and auditor", {{"why", ends.error().message}});
    return;
  }
  if (audit_link_.writer_gateway != gateway_.generation()) {
    audit_link_.writer_gateway = gateway_.generation();
    audit_link_.writer = make_writer(parts_.audit.writer);
  }
  audit_link_.gateway = gateway_.generation();
  audit_link_.auditor = auditor_.generation();
  audit_link_.lost = false;
  const daemon_ipc::AuditChannel message{audit_link_.writer};
  auditor_.send(message, &ends.value().second, now_ms);
  gateway_.send(message, &ends.value().first, now_ms);
}

// ---- what the auditor says ----------------------------------------------------------------------

void Supervisor::hear_auditor(std::int64_t now_ms) {
  if (heard_auditor_ != auditor_.generation()) {
    heard_auditor_ = auditor_.generation();
    auditor_says_.reset();
    audit_.restart();
    for (PendingCosign& cosign : cosigns_) {
      if (cosign.answer.empty()) cosign.answer = error_json("the auditor ended meanwhile");
    }
  }
  for (const daemon_ipc::Message& message : auditor_.take_inbox()) {
    if (const auto* appended = std::get_if<daemon_ipc::Appended>(&message)) {
      const auto taken = audit_.appended(appended->through, now_ms);
      if (!taken.ok()) return auditor_.condemn(taken.error().message, now_ms);
      if (!auditor_says_) auditor_says_.emplace();
      auditor_rejected_.clear();
    }
    if (const auto* state = std::get_if<daemon_ipc::AuditState>(&message)) auditor_says_ = *state;
    if (const auto* cosigned = std::get_if<daemon_ipc::Cosigned>(&message))
      hear_cosigned(*cosigned);
    if (std::holds_alternative<daemon_ipc::PeerLost>(message)) audit_link_.lost = true;
    if (const auto* rejected = std::get_if<daemon_ipc::Rejected>(&message)) {
      log_.error("ALARM: the audit log cannot be opened", {{"why", rejected->text}});
      auditor_rejected_ = rejected->text;
    }
  }
}

void Supervisor::hear_cosigned(const daemon_ipc::Cosigned& cosigned) {
  for (PendingCosign& cosign : cosigns_) {
    if (cosign.ticket != cosigned.ticket || cosign.auditor != auditor_.generation()) continue;
    cosign.answer = Json::object({{"accepted", cosigned.accepted}, {"text", cosigned.text}}).dump();
  }
}

std::optional<std::string> Supervisor::answer_cosign(std::string_view note, std::uint64_t& ticket,
                                                     std::int64_t now_ms) {
  if (ticket == 0) {
    const auto bytes = provisioning::from_base64(note);
    if (!bytes.ok()) return error_json(bytes.error().message);
    if (bytes.value().size() > daemon_ipc::kNoteBytesMax)
      return error_json(fmt::format("a note of more than {} bytes", daemon_ipc::kNoteBytesMax));
    const std::string text(reinterpret_cast<const char*>(bytes.value().data()),
                           bytes.value().size());
    const std::uint64_t number = cosign_tickets_ + 1;
    if (!auditor_.serving() || !auditor_.offer(daemon_ipc::Cosign{number, text}, now_ms))
      return error_json("the auditor is not to be had just now");
    ticket = cosign_tickets_ = number;
    cosigns_.push_back({number, auditor_.generation(), ""});
    if (cosigns_.size() > kCosignsMax) cosigns_.erase(cosigns_.begin());
    return std::nullopt;
  }
  const auto found = std::find_if(cosigns_.begin(), cosigns_.end(),
                                  [&](const PendingCosign& c) { return c.ticket == ticket; });
  if (found == cosigns_.end()) return error_json("too many cosignatures at one time");
  if (found->answer.empty()) return std::nullopt;
  std::string answer = std::move(found->answer);
  cosigns_.erase(found);
  return answer;
}

// ---- what the log is told -----------------------------------------------------------------------

void Supervisor::report(std::string_view type, Json body) {
  (void)audit_.report(type, std::move(body));
}

void Supervisor::report_start() {
  report("service.started", parts_.facts);
  if (parts_.audit.config) {
    Json body = parts_.audit.config();
    body.set("why", "start");
    report("config.loaded", std::move(body));
  }
  if (engine_->model.on_trial)
    report_model("model.activated", engine_->model, "on trial at the start");
}

void Supervisor::report_model(std::string_view type, const EngineModel& model,
                              std::string_view why) {
  Json body = Json::object({{"id", model.id}, {"name", model.name}});
  if (model.sequence > 0) {
    Json release = Json::object({{"sequence", model.sequence}});
    if (!model.version.empty()) release.set("version", model.version);
    body.set("release", std::move(release));
  }
  if (!why.empty()) body.set("why", why);
  report(type, std::move(body));
}

void Supervisor::report_change(std::string_view what, std::string_view from, std::string_view to,
                               std::string_view why) {
  Json body = Json::object({{"what", what}, {"from", from}, {"to", to}});
  if (!why.empty()) body.set("why", why);
  report("health.changed", std::move(body));
}

void Supervisor::report_roles() {
  for (Role* role : roles()) {
    for (RoleEvent& event : role->take_events()) report(event.type, std::move(event.body));
  }
}

void Supervisor::report_reloads() {
  for (const Json& outcome : reload_.take_ended()) {
    if (!parts_.audit.config) continue;
    Json body = parts_.audit.config();
    if (const Json* error = outcome.find("error")) {
      body.set("why", fmt::format("{}: {}", reload_why_, error->as_string()));
      report("config.refused", std::move(body));
      continue;
    }
    Json keys = Json::array();
    for (const char* list : {"changed", "needs_restart"}) {
      for (const Json& key : outcome.find(list)->as_array()) keys.push_back(key);
    }
    body.set("why", reload_why_);
    body.set("keys", std::move(keys));
    report("config.loaded", std::move(body));
  }
}

// ---- how it is ----------------------------------------------------------------------------------

AuditHealth::Seen Supervisor::see_audit(std::int64_t now_ms) const {
  const std::string why = auditor_rejected_.empty() ? auditor_.last_exit() : auditor_rejected_;
  if (!auditor_.serving() || !auditor_says_) {
    // It has not failed yet, and what waits for it waits.
    const bool first = auditor_.ends() == 0 && auditor_.state() != RoleState::kKilled;
    if (first) return {AuditState::kStarting, "the auditor is being started"};
    return {AuditState::kDown, why.empty() ? "the auditor has ended" : why};
  }
  if (auditor_says_->condition == daemon_ipc::AuditCondition::kFailing)
    return {AuditState::kFailing, auditor_says_->text};
  if (auditor_.unanswered_ms(now_ms) > kSilentMs)
    return {AuditState::kSilent, "the auditor does not answer"};
  if (audit_.unacknowledged_ms(now_ms) > kSilentMs)
    return {AuditState::kSilent, "the auditor does not acknowledge what it is told"};
  return {AuditState::kAppending, ""};
}

void Supervisor::watch_health(std::int64_t now_ms) {
  const bool alarm_before = audit_health_.alarm();
  if (audit_health_.see(see_audit(now_ms), clock_.unix_seconds())) {
    const std::string& why = audit_health_.text();
    report_change("audit", audit_state_name(audit_health_.former()),
                  audit_state_name(audit_health_.state()), why);
    if (audit_health_.alarm()) {
      log_.error("ALARM: the audit log cannot be written, work is refused",
                 {{"state", audit_state_name(audit_health_.state())}, {"why", why}});
    } else if (alarm_before) {
      log_.notice("the audit log is written");
    }
  }
  const std::string_view state = state_name(now_ms);
  if (told_state_ != state) {
    report_change("service", told_state_, state, status_line(now_ms));
    told_state_ = state;
  }
  std::vector<const Role*> told_of{&auditor_, &gateway_, &engine_->role};
  if (health_) told_of.push_back(&*health_);
  for (const Role* role : told_of) {
    const auto told = std::find(told_degraded_.begin(), told_degraded_.end(), role->name());
    const bool was = told != told_degraded_.end();
    if (was == role->degraded(now_ms)) continue;
    was ? report_change(role->name(), "degraded", "normal", "")
        : report_change(role->name(), "normal", "degraded", role->last_exit());
    was ? (void)told_degraded_.erase(told) : told_degraded_.push_back(role->name());
  }
}

void Supervisor::watch_disk() {
  disk_usage_ = disk_usage(parts_.audit.directory);
  if (!disk_usage_ || !disk_.see(*disk_usage_)) return;
  report("log.capacity", Json::object({{"percent", disk_usage_->percent},
                                       {"free_bytes", disk_usage_->free_bytes}}));
  const std::string percent = fmt::format("{} %", disk_usage_->percent);
  if (disk_.level() == DiskLevel::Level::kAlarm) {
    log_.error("ALARM: the disk of the audit log is nearly full", {{"used", percent}});
  } else {
    log_.warning("the disk of the audit log", {{"used", percent}});
  }
}

std::size_t Supervisor::take_acts() {
  return acts_.take([this](Json body) { return audit_.report("act", std::move(body)); });
}

void Supervisor::advance_audit(std::int64_t now_ms) {
  report_reloads();
  if (phase_ == Phase::kRunning) watch_health(now_ms);
  if (phase_ == Phase::kRunning && now_ms >= look_again_at_) {
    look_again_at_ = now_ms + kBetweenLooksMs;
    watch_disk();
    (void)take_acts();
  }
  acts_.clear([this](std::uint64_t record) { return audit_.durable(record); });
  if (!auditor_.serving()) return;
  audit_.send([&](const daemon_ipc::Append& append) { return auditor_.offer(append, now_ms); },
              now_ms);
}

Json Supervisor::audit_report() const {
  Json report = Json::object({{"state", audit_state_name(audit_health_.state())}});
  if (audit_health_.alarm()) {
    report.set("text", audit_health_.text());
    report.set("since", provisioning::format_utc_time(audit_health_.since()));
    report.set("sentence", audit_health_.sentence());
  }
  if (auditor_.serving() && auditor_.stats().is_object()) {
    for (const char* name : {"size", "published", "records"}) {
      if (const Json* value = auditor_.stats().find(name)) report.set(name, *value);
    }
  }
  report.set("waiting", std::uint64_t{audit_.waiting()});
  if (disk_usage_) {
    report.set("disk_percent", disk_usage_->percent);
    report.set("disk_free_bytes", disk_usage_->free_bytes);
  }
  return report;
}

}  // namespace daemon_supervisor
