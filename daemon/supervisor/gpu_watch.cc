#include "daemon/supervisor/gpu_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace daemon_supervisor {

using base::Json;
using daemon_health::GpuAction;
using daemon_health::GpuHappening;
using daemon_health::GpuSnapshot;
using daemon_health::GpuState;
using daemon_health::GpuVerdict;

namespace {

constexpr std::size_t kEngineGpusMax = daemon_health::kGpusMax;

bool holds(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// What a restart of the machine may have mended.
bool mended_by_boot(GpuAction action) {
  return action != GpuAction::kCallForRma;
}

std::vector<std::string> gpus_of(const Json& report) {
  std::vector<std::string> uuids;
  const Json* list = report.is_object() ? report.find("gpus") : nullptr;
  if (list == nullptr || !list->is_array()) return uuids;
  for (const Json& uuid : list->as_array()) {
    if (uuid.is_string() && uuids.size() < kEngineGpusMax) uuids.push_back(uuid.as_string());
  }
  return uuids;
}

std::string cut(std::string_view text, std::size_t bytes_max) {
  return std::string(text.substr(0, bytes_max));
}

}  // namespace

Json ToldVerdict::body() const {
  Json body = Json::object({{"uuid", verdict.uuid}});
  if (!name.empty()) body.set("name", name);
  body.set("from", daemon_health::gpu_state_name(verdict.from));
  body.set("to", daemon_health::gpu_state_name(verdict.to));
  body.set("action", daemon_health::gpu_action_name(verdict.action));
  body.set("cause", verdict.cause);
  body.set("text", verdict.text);
  if (!verdict.next_step.empty()) body.set("next_step", verdict.next_step);
  return body;
}

GpuWatch::GpuWatch(Settings settings, GpuRecords kept)
    : settings_(std::move(settings)), care_(settings_.limits), records_(std::move(kept)) {
  if (records_.boot != settings_.boot) welcome_after_boot();
  if (!records_.gpus.empty()) ++excluded_version_;
}

// The machine was started anew: what that mends is tried, and shown to be on trial.
void GpuWatch::welcome_after_boot() {
  records_due_ = !records_.boot.empty();
  records_.boot = settings_.boot;
  for (const GpuRecord& record : records_.gpus) {
    if (!mended_by_boot(record.action)) continue;
    verifying_.push_back(record.uuid);
    told_.push_back({{record.uuid, GpuState::kQuarantined, GpuState::kVerifying, GpuAction::kNone,
                      "reboot", "the machine was started anew since the GPU was taken out of use",
                      "None: it is used again as soon as its known answer is right."},
                     record.name});
  }
  for (const std::string& uuid : verifying_) records_.erase(uuid);
}

// ---- what happens -------------------------------------------------------------------------------

base::Status GpuWatch::observe(std::string_view text, std::int64_t now, std::int64_t unix_seconds) {
  const GpuSnapshot snapshot = TRY(GpuSnapshot::parse_text(text));
  trouble_ = snapshot.error;
  driver_version_ = snapshot.driver_version;
  nvml_version_ = snapshot.nvml_version;
  round_ms_ = snapshot.round_ms;
  count_events(snapshot);
  take(care_.observe(snapshot, now), unix_seconds);
  return {};
}

void GpuWatch::count_events(const GpuSnapshot& snapshot) {
  for (const auto& gpu : snapshot.gpus) {
    for (const auto& event : gpu.events) {
      if (event.type != daemon_health::kEventXid) continue;
      if (counts_.size() >= kGpuRecordsMax && !counts_.contains(gpu.uuid)) continue;
      Count& count = counts_[gpu.uuid];
      ++count.xids;
      count.last_xid = event.xid;
    }
  }
}

void GpuWatch::tick(std::int64_t now, std::int64_t unix_seconds) {
  take(care_.tick(now), unix_seconds);
}

// Those it says; where every GPU concerns it and it says nothing, every one.
std::vector<std::string> GpuWatch::gpus_of_engine() const {
  if (!settings_.every_gpu_concerns || !engine_gpus_.empty()) return engine_gpus_;
  std::vector<std::string> all;
  for (const auto& [uuid, gpu] : care_.gpus()) all.push_back(uuid);
  return all;
}

// What is out of use is brought back by nobody but a person, or a boot.
void GpuWatch::happened(const std::string& uuid, GpuHappening what, std::int64_t now,
                        std::int64_t unix_seconds) {
  if (!out_of_use(uuid)) take(care_.happened(uuid, what, now), unix_seconds);
}

void GpuWatch::engine_starts(std::vector<std::string> uuids, std::int64_t now,
                             std::int64_t unix_seconds) {
  engine_gpus_ = std::move(uuids);
  for (const std::string& uuid : engine_gpus_)
    happened(uuid, GpuHappening::kEngineStarted, now, unix_seconds);
}

void GpuWatch::engine_ready(const Json& report, std::int64_t now, std::int64_t unix_seconds) {
  engine_gpus_ = gpus_of(report);
  for (const std::string& uuid : gpus_of_engine()) {
    std::erase(verifying_, uuid);
    // Its known answers were right, or it would not have become ready.
    happened(uuid, GpuHappening::kEngineVerified, now, unix_seconds);
  }
}

void GpuWatch::drained(std::int64_t now, std::int64_t unix_seconds) {
  std::vector<std::string> draining;
  for (const auto& [uuid, gpu] : care_.gpus()) {
    if (gpu.state == GpuState::kDraining) draining.push_back(uuid);
  }
  for (const std::string& uuid : draining)
    take(care_.happened(uuid, GpuHappening::kDrained, now), unix_seconds);
}

void GpuWatch::engine_ended(std::optional<GpuHappening> how, std::int64_t now,
                            std::int64_t unix_seconds) {
  const auto uuids = gpus_of_engine();
  engine_gpus_.clear();
  if (!how) return;
  for (const std::string& uuid : uuids) happened(uuid, *how, now, unix_seconds);
  order_ = {};  // it is gone already: what its end says of a GPU asks for no other end
}

void GpuWatch::candidate_starts(const std::vector<std::string>& uuids, std::int64_t now,
                                std::int64_t unix_seconds) {
  for (const std::string& uuid : uuids) {
    if (!computes(uuid)) happened(uuid, GpuHappening::kEngineStarted, now, unix_seconds);
  }
}

void GpuWatch::candidate_ended(const std::vector<std::string>& uuids, GpuHappening how,
                               std::int64_t now, std::int64_t unix_seconds) {
  const Order before = order_;
  for (const std::string& uuid : uuids) {
    if (!computes(uuid)) happened(uuid, how, now, unix_seconds);
  }
  order_ = before;
}

base::Status GpuWatch::clear(std::string_view uuid, std::int64_t now, std::int64_t unix_seconds) {
  const std::string name(uuid);
  const bool kept = records_.find(uuid) != nullptr;
  const bool known = care_.gpus().contains(name);
  if (!kept && !known && !holds(verifying_, uuid))
    return base::not_found("no GPU of that UUID is known: 'redoubt gpu list' shows them");
  std::erase(verifying_, name);
  const std::string of = name_of(uuid);
  records_.erase(uuid);
  if (kept) changed();
  auto verdicts = known ? care_.happened(uuid, GpuHappening::kOperatorCleared, now) : Verdicts();
  if (verdicts.empty() && kept) {
    told_.push_back({{name, GpuState::kQuarantined, GpuState::kHealthy, GpuAction::kNone,
                      "operator cleared", "an operator says that the GPU may be used again", ""},
                     of});
  }
  take(std::move(verdicts), unix_seconds);
  return {};
}

// ---- what follows -------------------------------------------------------------------------------

void GpuWatch::take(Verdicts verdicts, std::int64_t unix_seconds) {
  for (GpuVerdict& verdict : verdicts) {
    keep(verdict, unix_seconds);
    order(verdict);
    tell(std::move(verdict));
  }
}

void GpuWatch::keep(const GpuVerdict& verdict, std::int64_t unix_seconds) {
  const GpuRecord* former = records_.find(verdict.uuid);
  if (verdict.action < GpuAction::kQuarantine) {
    // Only what was out of use in this run comes back by what is seen.
    if (former == nullptr || verdict.from != GpuState::kQuarantined) return;
    if (verdict.to == GpuState::kQuarantined) return;
    records_.erase(verdict.uuid);
    return changed();
  }
  GpuRecord record{cut(verdict.uuid, kGpuNameBytesMax),
                   cut(name_of(verdict.uuid), kGpuNameBytesMax),
                   verdict.action,
                   cut(verdict.cause, kGpuNameBytesMax),
                   cut(verdict.text, kGpuTextBytesMax),
                   cut(verdict.next_step, kGpuTextBytesMax),
                   unix_seconds};
  std::erase(verifying_, verdict.uuid);
  if (former != nullptr) {
    if (former->action > verdict.action) return;  // a card to be replaced stays one
    *records_.find(verdict.uuid) = std::move(record);
    records_due_ = true;
    return;
  }
  if (records_.gpus.size() >= kGpuRecordsMax) records_.gpus.erase(records_.gpus.begin());
  records_.gpus.push_back(std::move(record));
  changed();
}

void GpuWatch::order(const GpuVerdict& verdict) {
  if (verdict.action <= GpuAction::kWatch || !concerns_engine(verdict.uuid)) return;
  const Deed deed =
      verdict.action == GpuAction::kDrainAndRestart ? Deed::kReplaceWhenIdle : Deed::kReplaceNow;
  if (deed <= order_.deed) return;
  order_ = {deed, fmt::format("GPU {}: {}", verdict.uuid, verdict.text)};
}

void GpuWatch::tell(GpuVerdict verdict) {
  std::string name = name_of(verdict.uuid);
  told_.push_back({std::move(verdict), std::move(name)});
}

bool GpuWatch::concerns_engine(std::string_view uuid) const {
  return settings_.every_gpu_concerns || holds(engine_gpus_, uuid);
}

std::string GpuWatch::name_of(std::string_view uuid) const {
  if (const auto found = care_.gpus().find(uuid); found != care_.gpus().end())
    return found->second.last.name;
  const GpuRecord* record = records_.find(uuid);
  return record != nullptr ? record->name : "";
}

std::vector<std::string> GpuWatch::excluded() const {
  std::vector<std::string> uuids;
  for (const GpuRecord& record : records_.gpus) uuids.push_back(record.uuid);
  std::sort(uuids.begin(), uuids.end());
  return uuids;
}

std::optional<GpuRecords> GpuWatch::take_records() {
  if (!std::exchange(records_due_, false)) return std::nullopt;
  return records_;
}

std::string GpuWatch::alarm() const {
  if (records_.gpus.empty()) return "";
  const GpuRecord& first = records_.gpus.front();
  std::string text = fmt::format("GPU {} is not used: {}", first.uuid, first.text);
  if (records_.gpus.size() > 1) text += fmt::format(" (and {} more)", records_.gpus.size() - 1);
  return text;
}

}  // namespace daemon_supervisor
