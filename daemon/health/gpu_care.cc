#include "daemon/health/gpu_care.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/health/care_table.h"

namespace daemon_health {
namespace {

using S = GpuState;
using Verdicts = std::vector<GpuVerdict>;

constexpr std::array<std::string_view, 6> kStateNames = {"healthy",   "suspect",   "draining",
                                                         "resetting", "verifying", "quarantined"};
constexpr std::array<std::string_view, 8> kActionNames = {
    "none",       "watch",     "restart_engine", "drain_and_restart",
    "quarantine", "ask_reset", "ask_reboot",     "call_for_rma"};

// Steps of the machine itself: nothing speaks against the GPU.
constexpr std::string_view kNothingToDo = "Nothing.";

Finding step(std::string_view cause, std::string_view text) {
  return {GpuAction::kNone, std::string(cause), std::string(text), kNothingToDo};
}
Finding released() {
  return step("released", "nothing holds the GPU any more");
}

Finding too_often(const Advice& advice, const Finding& again) {
  Finding finding = finding_of(advice);
  finding.text += ": " + again.text;
  return finding;
}

bool is_held(const std::vector<std::uint32_t>& holders,
             const std::vector<std::uint32_t>& processes) {
  return !holders.empty() && std::all_of(holders.begin(), holders.end(), [&](std::uint32_t pid) {
    return std::find(processes.begin(), processes.end(), pid) != processes.end();
  });
}

}  // namespace

std::string_view gpu_state_name(GpuState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}
std::string_view gpu_action_name(GpuAction action) {
  return kActionNames[static_cast<std::size_t>(action)];
}

bool is_drawn(GpuState from, GpuState to) {
  if (from == to) return false;
  if (to == S::kQuarantined) return true;
  switch (from) {
    case S::kHealthy:
      return to == S::kSuspect || to == S::kDraining || to == S::kResetting;
    case S::kSuspect:
      return to == S::kHealthy || to == S::kDraining || to == S::kResetting;
    case S::kDraining:
      return to == S::kResetting || to == S::kVerifying;
    case S::kResetting:
      return to == S::kVerifying;
    case S::kVerifying:
      return to == S::kHealthy || to == S::kSuspect || to == S::kResetting;
    case S::kQuarantined:
      return to == S::kVerifying;
  }
  return false;
}

// ---- what follows from a finding

void GpuCare::tell(Gpu gpu, GpuState to, const Finding& finding, std::int64_t now,
                   Verdicts& verdicts) {
  auto& [status, memory] = gpu;
  GpuVerdict verdict{status.last.uuid,
                     status.state,
                     to,
                     finding.action,
                     finding.cause,
                     finding.text,
                     std::string(finding.next_step)};
  if (to != status.state) {
    status.state = to;
    status.since = now;
    memory.holders.clear();
    if (to == S::kResetting) memory.holders = status.last.processes;
  }
  memory.last_news = now;
  status.verdict = verdict;
  verdicts.push_back(std::move(verdict));
}

// One that is out of use is told again only where something graver comes up.
void GpuCare::quarantine(Gpu gpu, const Finding& finding, std::int64_t now, Verdicts& verdicts) {
  auto& [status, memory] = gpu;
  if (status.state == S::kQuarantined && finding.action <= memory.held) return;
  memory.held = finding.action;
  if (finding.action == GpuAction::kAskReset && ++status.resets > limits_.resets_max)
    return tell(gpu, S::kQuarantined, too_often(reset_too_often_advice(), finding), now, verdicts);
  tell(gpu, S::kQuarantined, finding, now, verdicts);
}

// A context that is gone needs no draining, nor does an engine that has not served yet.
void GpuCare::restart(Gpu gpu, const Finding& finding, std::int64_t now, Verdicts& verdicts) {
  auto& [status, memory] = gpu;
  if (status.state == S::kQuarantined) return;
  const bool drains = finding.action == GpuAction::kDrainAndRestart;
  if (drains && status.state == S::kDraining) return;
  if (now - memory.last_restart > limits_.healthy_after_ms) status.restarts = 0;
  memory.last_restart = now;
  if (++status.restarts > limits_.engine_restarts_max)
    return quarantine(gpu, too_often(restarted_too_often_advice(), finding), now, verdicts);
  const bool serves = status.state == S::kHealthy || status.state == S::kSuspect;
  tell(gpu, drains && serves ? S::kDraining : S::kResetting, finding, now, verdicts);
}

void GpuCare::act(Gpu gpu, const Finding& finding, std::int64_t now, Verdicts& verdicts) {
  const S state = gpu.status.state;
  if (quarantines(finding.action)) return quarantine(gpu, finding, now, verdicts);
  if (state == S::kQuarantined) return;
  if (finding.action == GpuAction::kWatch)
    return tell(gpu, state == S::kHealthy ? S::kSuspect : state, finding, now, verdicts);
  if (state != S::kResetting)
    restart(gpu, finding, now, verdicts);  // else it is being replaced already
}

// What takes the GPU out of use decides over what wants another engine; among equals the order
// does. What is to be watched is told beside it.
void GpuCare::judge(Gpu gpu, const std::vector<Finding>& findings, std::int64_t now,
                    Verdicts& verdicts) {
  for (const Finding& finding : findings) {
    if (finding.action == GpuAction::kWatch) act(gpu, finding, now, verdicts);
  }
  for (const Finding& finding : findings) {
    if (quarantines(finding.action)) act(gpu, finding, now, verdicts);
  }
  const auto other = std::find_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.action > GpuAction::kWatch && !quarantines(finding.action);
  });
  if (other != findings.end()) act(gpu, *other, now, verdicts);
}

// ---- what is seen

std::optional<GpuCare::Gpu> GpuCare::know(std::string_view uuid) {
  auto status = gpus_.find(uuid);
  if (status == gpus_.end()) {
    if (uuid.empty() || uuid.size() > kUuidBytesMax || gpus_.size() >= kGpusMax)
      return std::nullopt;
    status = gpus_.emplace(std::string(uuid), Status{}).first;
    status->second.last.uuid = status->second.verdict.uuid = std::string(uuid);
  }
  return Gpu{status->second, memory_of(status->first)};
}

GpuCare::Memory& GpuCare::memory_of(const std::string& uuid) {
  return memories_.try_emplace(uuid, limits_.burst_ms).first->second;
}

void GpuCare::observe_gpu(Gpu gpu, const GpuReading& reading, std::int64_t now,
                          Verdicts& verdicts) {
  auto& [status, memory] = gpu;
  status.last = reading;
  memory.seen = true;
  judge(gpu, memory.evidence.see(reading, now), now, verdicts);
  const bool was_held = !memory.holders.empty();
  if (status.state == S::kResetting && was_held && !is_held(memory.holders, reading.processes))
    tell(gpu, S::kVerifying, released(), now, verdicts);
}

// A driver that cannot be asked may mean any GPU: it is taken to mean every one, as the device
// plugin of Kubernetes does.
void GpuCare::observe_absent(Gpu gpu, NvmlStatus library, std::int64_t now, Verdicts& verdicts) {
  if (!gpu.memory.seen) return;
  if (library == NvmlStatus::kOk) return act(gpu, finding_of(vanished_advice()), now, verdicts);
  judge(gpu, gpu.memory.evidence.see_status(library), now, verdicts);
}

std::vector<GpuVerdict> GpuCare::observe(const GpuSnapshot& snapshot, std::int64_t now) {
  Verdicts verdicts;
  last_snapshot_ = now;
  silent_ = false;
  GpuSnapshot bounded = snapshot;
  bounded.bound();
  for (const GpuReading& reading : bounded.gpus) {
    if (const auto gpu = know(reading.uuid)) observe_gpu(*gpu, reading, now, verdicts);
  }
  for (auto& [uuid, status] : gpus_) {
    const auto names = [&name = uuid](const GpuReading& reading) { return reading.uuid == name; };
    if (std::none_of(bounded.gpus.begin(), bounded.gpus.end(), names))
      observe_absent({status, memory_of(uuid)}, bounded.status, now, verdicts);
  }
  return verdicts;
}

// ---- what happens

// Where a former one was seen to hold the GPU and has not been seen to let go, that comes first.
void GpuCare::started(Gpu gpu, std::int64_t now, Verdicts& verdicts) {
  gpu.memory.engine_here = true;
  const bool held = is_held(gpu.memory.holders, gpu.status.last.processes);
  if (gpu.status.state == S::kDraining || (gpu.status.state == S::kResetting && !held))
    tell(gpu, S::kVerifying, step("engine started", "another engine starts on the GPU"), now,
         verdicts);
}

void GpuCare::verified(Gpu gpu, std::int64_t now, Verdicts& verdicts) {
  gpu.memory.holders.clear();  // it serves, whoever else is there
  started(gpu, now, verdicts);
  if (gpu.status.state != S::kVerifying) return;
  tell(gpu, to_be_watched(gpu.memory) ? S::kSuspect : S::kHealthy,
       step("engine verified", "the engine gave the known answer on the GPU"), now, verdicts);
}

// Nothing is held against it any more; what still stands speaks again with the next snapshot.
// Resets are counted on.
void GpuCare::cleared(Gpu gpu, std::int64_t now, Verdicts& verdicts) {
  auto& [status, memory] = gpu;
  if (status.state != S::kQuarantined) return;
  const bool seen = memory.seen;
  memory = Memory(limits_.burst_ms);
  memory.seen = seen;
  status.restarts = 0;
  tell(gpu, S::kVerifying,
       step("operator cleared", "an operator says that the GPU may be used again"), now, verdicts);
}

std::vector<GpuVerdict> GpuCare::happened(std::string_view uuid, GpuHappening what,
                                          std::int64_t now) {
  Verdicts verdicts;
  const auto gpu = know(uuid);
  if (!gpu) return verdicts;
  const S state = gpu->status.state;
  switch (what) {
    case GpuHappening::kEngineStarted:
      started(*gpu, now, verdicts);
      break;
    case GpuHappening::kEngineVerified:
      verified(*gpu, now, verdicts);
      break;
    // It counts even where an engine is being replaced: this one was to replace it.
    case GpuHappening::kEngineFailed:
      restart(*gpu, finding_of(failed_advice()), now, verdicts);
      break;
    case GpuHappening::kEngineHung:
      act(*gpu, finding_of(hung_advice()), now, verdicts);
      break;
    case GpuHappening::kStickyError:
      act(*gpu, finding_of(sticky_advice()), now, verdicts);
      break;
    case GpuHappening::kDrained:
      if (state == S::kDraining)
        tell(*gpu, S::kResetting, finding_of(drained_advice()), now, verdicts);
      break;
    case GpuHappening::kOperatorCleared:
      cleared(*gpu, now, verdicts);
      break;
  }
  return verdicts;
}

// ---- what time brings

void GpuCare::tick_gpu(Gpu gpu, std::int64_t now, Verdicts& verdicts) {
  auto& [status, memory] = gpu;
  const std::int64_t lasted_ms = now - status.since;
  const bool quiet = !to_be_watched(memory) && now - memory.last_news >= limits_.healthy_after_ms;
  if (status.state == S::kSuspect && quiet) {
    tell(gpu, S::kHealthy, step("quiet", "nothing was seen of the GPU for a while"), now, verdicts);
  } else if (status.state == S::kDraining && lasted_ms >= limits_.drain_ms) {
    tell(gpu, S::kResetting, finding_of(not_drained_advice()), now, verdicts);
  } else if (status.state == S::kResetting && lasted_ms >= limits_.release_ms) {
    // Processes that are not the engine's say nothing where no engine was.
    if (memory.engine_here && is_held(memory.holders, status.last.processes))
      return quarantine(gpu, finding_of(not_released_advice()), now, verdicts);
    tell(gpu, S::kVerifying, released(), now, verdicts);
  }
}

std::vector<GpuVerdict> GpuCare::tick(std::int64_t now) {
  Verdicts verdicts;
  const bool falls_silent =
      last_snapshot_ && !silent_ && now - *last_snapshot_ >= limits_.silence_ms;
  silent_ = silent_ || falls_silent;
  for (auto& [uuid, status] : gpus_) {
    const Gpu gpu{status, memory_of(uuid)};
    if (falls_silent) act(gpu, finding_of(silence_advice()), now, verdicts);
    tick_gpu(gpu, now, verdicts);
  }
  return verdicts;
}

bool GpuCare::usable(std::string_view uuid) const {
  const auto found = gpus_.find(uuid);
  if (found == gpus_.end()) return true;
  const S state = found->second.state;
  return state == S::kHealthy || state == S::kSuspect || state == S::kVerifying;
}

std::optional<std::int64_t> GpuCare::next_deadline() const {
  std::optional<std::int64_t> next;
  const auto at = [&](std::int64_t time) { next = next ? std::min(*next, time) : time; };
  if (last_snapshot_ && !silent_ && !gpus_.empty()) at(*last_snapshot_ + limits_.silence_ms);
  for (const auto& [uuid, status] : gpus_) {
    const Memory& memory = memories_.find(uuid)->second;
    if (status.state == S::kSuspect && !to_be_watched(memory))
      at(memory.last_news + limits_.healthy_after_ms);
    if (status.state == S::kDraining) at(status.since + limits_.drain_ms);
    if (status.state == S::kResetting) at(status.since + limits_.release_ms);
  }
  return next;
}

}  // namespace daemon_health
