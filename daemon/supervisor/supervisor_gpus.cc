// The GPUs as the supervisor keeps them: it hears the health role, and carries out what gpu_watch.h
// makes of it. Whatever becomes of that role, serving goes on.
#include <fmt/format.h>

#include "daemon/supervisor/supervisor.h"

namespace daemon_supervisor {
namespace {

using base::Json;
using daemon_health::GpuAction;
using daemon_health::GpuHappening;

// An engine's last words about its device (daemon/engine/engine_role.h).
constexpr std::string_view kDeviceFailed = "exited with status 3";
constexpr std::string_view kDeviceHung = "exited with status 4";
constexpr std::string_view kDeviceUnfit = "exited with status 6";
// Ours about one that we ended (liveness.h).
constexpr std::string_view kNoProgress = "busy without progress";
constexpr std::string_view kNoStart = "no progress while starting";

// Answers under way go on with the next engine; those that are nearly over may as well end with
// this one.
constexpr std::int64_t kIdleWaitMsMax = 10'000;
constexpr std::int64_t kWriteAgainMs = 5'000;

// None: its end says nothing of a GPU.
std::optional<GpuHappening> happening_of(const EngineSeat& engine) {
  const std::string& how = engine.role.last_exit();
  if (!engine.rejected.empty()) return std::nullopt;
  if (how.find(kNoProgress) != how.npos || how.find(kDeviceHung) != how.npos)
    return GpuHappening::kEngineHung;
  if (how.find(kDeviceFailed) != how.npos) return GpuHappening::kStickyError;
  if (how.find(kDeviceUnfit) != how.npos) return GpuHappening::kEngineFailed;
  // Its model was read and verified before it named a GPU: it waits for nothing else.
  if (how.find(kNoStart) != how.npos && !engine.gpus.empty()) return GpuHappening::kEngineFailed;
  return std::nullopt;
}

}  // namespace

// ---- what is heard ------------------------------------------------------------------------------

void Supervisor::hear_health(std::int64_t now_ms) {
  if (!health_) return;
  for (const daemon_ipc::Message& message : health_->take_inbox()) {
    const auto* facts = std::get_if<daemon_ipc::GpuFacts>(&message);
    if (facts == nullptr) continue;
    const auto taken = gpus_->observe(facts->snapshot, now_ms, clock_.unix_seconds());
    if (!taken.ok()) return health_->condemn("gpu_facts: " + taken.error().message, now_ms);
    ++gpu_rounds_;
  }
}

static_assert(daemon_ipc::kGpusInUseMax == daemon_health::kGpusMax &&
              daemon_ipc::kGpuUuidBytesMax == daemon_health::kUuidBytesMax);

// One that was started just before a GPU went out of use does not know. It is no fault of its own,
// but a reason to wait a moment: an engine whose configuration could not be made anew comes back
// the same.
void Supervisor::hear_gpus_in_use(EngineSeat& engine, const daemon_ipc::GpusInUse& named,
                                  std::int64_t now_ms) {
  engine.gpus = named.uuids;
  if (!gpus_) return;
  for (const std::string& uuid : engine.gpus) {
    if (!gpus_->out_of_use(uuid)) continue;
    return engine.role.condemn(fmt::format("GPU {} is out of use", uuid), now_ms);
  }
  const bool beside = &engine != engine_.get();
  if (beside) return gpus_->candidate_starts(engine.gpus, now_ms, clock_.unix_seconds());
  gpus_->engine_starts(engine.gpus, now_ms, clock_.unix_seconds());
}

// How those that compute on them get on: the engine, and the one on trial beside it. A retiring one
// has proven itself.
void Supervisor::watch_engines(std::int64_t now_ms) {
  if (!gpus_ || phase_ != Phase::kRunning) return;
  watch_end(*engine_, now_ms);
  if (candidate_) watch_end(*candidate_, now_ms);
  const Role& role = engine_->role;
  if (!role.ready() || engine_->gpu_verified == role.generation()) return;
  engine_->gpu_verified = role.generation();
  gpus_->engine_ready(role.report(), now_ms, clock_.unix_seconds());
}

// What a GPU is blamed for is not held against the engine: gpu_care.h counts it, and ends it.
void Supervisor::watch_end(EngineSeat& engine, std::int64_t now_ms) {
  Role& role = engine.role;
  if (engine.gpu_ends == role.ends()) return;
  engine.gpu_ends = role.ends();
  const auto how = role.ended_from_outside() ? std::nullopt : happening_of(engine);
  const auto gpus = std::exchange(engine.gpus, {});
  if (how && !gpus.empty()) role.forgive();
  if (&engine != engine_.get()) {
    if (how) gpus_->candidate_ended(gpus, *how, now_ms, clock_.unix_seconds());
    return;
  }
  gpus_->engine_ended(how, now_ms, clock_.unix_seconds());
  pending_order_ = {};  // there is another one now
}

// ---- what follows -------------------------------------------------------------------------------

void Supervisor::advance_gpus(std::int64_t now_ms) {
  if (!gpus_ || phase_ != Phase::kRunning) return;
  gpus_->tick(now_ms, clock_.unix_seconds());
  report_verdicts();
  if (told_gpu_trouble_ != gpus_->trouble()) {
    const bool over = gpus_->trouble().empty();
    log_.warning("GPUs", {{"facts", over ? "to be had again" : gpus_->trouble()}});
    report_change("gpu facts", over ? "missing" : "known", over ? "known" : "missing",
                  gpus_->trouble());
    told_gpu_trouble_ = gpus_->trouble();
  }
  if (excluded_version_ != gpus_->excluded_version()) exclude_gpus(now_ms);
  carry_out(gpus_->take_order(), now_ms);
  if (now_ms >= write_gpus_again_at_) keep_gpu_records(now_ms);
}

// From the next start of an engine on; the order to replace it follows where it computes on one of
// them. One that waits to be started has no reason left to: it was one of them, or it may be
// mended.
void Supervisor::exclude_gpus(std::int64_t now_ms) {
  excluded_version_ = gpus_->excluded_version();
  parts_.models->exclude_gpus(gpus_->excluded());
  auto engines = linked_engines();
  if (candidate_) engines.push_back(candidate_.get());
  for (EngineSeat* engine : engines) {
    engine->role.retry_now(now_ms);
    auto config = parts_.models->config_of(engine->model);
    if (config.ok()) {
      engine->role.replace_config(std::move(config).value());
    } else {
      log_.error("ALARM: the engine's configuration still has GPUs that are out of use",
                 {{"model", engine->model.name}, {"why", config.error().message}});
    }
  }
}

void Supervisor::carry_out(const GpuWatch::Order& order, std::int64_t now_ms) {
  if (order.deed > pending_order_.deed) {
    pending_order_ = order;
    replace_engine_by_ = now_ms + std::min<std::int64_t>(parts_.drain_timeout_ms(), kIdleWaitMsMax);
  }
  if (pending_order_.deed == GpuWatch::Deed::kNone) return;
  const bool wait = pending_order_.deed == GpuWatch::Deed::kReplaceWhenIdle &&
                    engine_->role.busy() && now_ms < replace_engine_by_;
  if (wait) return;
  const GpuWatch::Order due = std::exchange(pending_order_, {});
  if (due.deed == GpuWatch::Deed::kReplaceWhenIdle) {
    gpus_->drained(now_ms, clock_.unix_seconds());  // which orders the rest
    report_verdicts();
    (void)gpus_->take_order();
  }
  log_.notice("the engine is replaced", {{"why", due.why}});
  engine_->role.renew(due.why, now_ms);
  if (retiring_) retiring_->role.renew(due.why, now_ms);
  if (candidate_) candidate_->role.renew(due.why, now_ms);
}

void Supervisor::report_verdicts() {
  for (const ToldVerdict& told : gpus_->take_verdicts()) {
    const auto& verdict = told.verdict;
    report("gpu.verdict", told.body());
    const auto fields = {base::LogField{"gpu", verdict.uuid},
                         base::LogField{"from", daemon_health::gpu_state_name(verdict.from)},
                         base::LogField{"to", daemon_health::gpu_state_name(verdict.to)},
                         base::LogField{"action", daemon_health::gpu_action_name(verdict.action)},
                         base::LogField{"cause", verdict.cause},
                         base::LogField{"text", verdict.text},
                         base::LogField{"next_step", verdict.next_step}};
    if (verdict.action >= GpuAction::kQuarantine) {
      log_.error("ALARM: GPU out of use", fields);
    } else if (verdict.action >= GpuAction::kWatch) {
      log_.warning("GPU", fields);
    } else {
      log_.notice("GPU", fields);
    }
  }
}

// What is not written now is written later: a disk that is full need not stay so.
void Supervisor::keep_gpu_records(std::int64_t now_ms) {
  const auto records = gpus_->take_records();
  if (!records || parts_.gpus->records.empty()) return;
  const auto written = write_gpu_records(parts_.gpus->records, *records);
  if (!written.ok()) {
    gpus_->records_not_written();
    write_gpus_again_at_ = now_ms + kWriteAgainMs;
  }
  if (written.ok() == gpus_written_) return;
  gpus_written_ = written.ok();
  if (gpus_written_) {
    log_.notice("which GPUs are out of use is written down again", {});
  } else {
    log_.error("ALARM: which GPUs are out of use is not written down",
               {{"why", written.error().message}});
  }
}

// ---- what others are told -----------------------------------------------------------------------

// After each round of facts, as far as the gateway reads.
void Supervisor::tell_gateway_of_gpus(std::int64_t now_ms) {
  if (!gpus_ || !gateway_.serving()) return;
  const bool knows = told_gpu_gateway_ == gateway_.generation() && told_gpu_rounds_ == gpu_rounds_;
  if (knows || gpu_rounds_ == 0) return;
  std::string text = gpus_->metrics();
  if (text.size() > daemon_ipc::kGpuMetricsBytesMax) return;
  if (!gateway_.offer(daemon_ipc::GpuMetrics{std::move(text)}, now_ms)) return;
  told_gpu_gateway_ = gateway_.generation();
  told_gpu_rounds_ = gpu_rounds_;
}

std::string Supervisor::gpu_alarm(std::int64_t now_ms) const {
  if (!gpus_) return "";
  if (std::string text = gpus_->alarm(); !text.empty()) return text;
  if (health_->degraded(now_ms) && !health_->ready())
    return "nobody looks after the GPUs: health keeps failing, the last time: " +
           health_->last_exit();
  return "";
}

std::string Supervisor::answer_gpu_clear(std::string_view uuid, std::int64_t now_ms) {
  if (!gpus_)
    return Json::object(
               {{"error", "nobody looks after GPUs here: see gpu.care of the configuration"}})
        .dump();
  const auto cleared = gpus_->clear(uuid, now_ms, clock_.unix_seconds());
  if (!cleared.ok()) return Json::object({{"error", cleared.error().message}}).dump();
  // Before the answer: whoever is told finds it so.
  report_verdicts();
  if (excluded_version_ != gpus_->excluded_version()) exclude_gpus(now_ms);
  keep_gpu_records(now_ms);
  return Json::object({{"cleared", uuid}}).dump();
}

}  // namespace daemon_supervisor
