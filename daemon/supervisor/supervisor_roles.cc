// What passes between the roles by way of the supervisor: their common channel, how the engine is,
// and which requests no engine is to see again.
#include <fmt/format.h>

#include "daemon/ipc/channel.h"
#include "daemon/supervisor/supervisor.h"
#include "hardening/base/hex.h"

namespace daemon_supervisor {
namespace {

// A role that says all the time that it lost its peer must not keep us busy, nor the other role.
constexpr std::int64_t kBetweenIntroductionsMs = 1'000;

}  // namespace

std::vector<EngineSeat*> Supervisor::linked_engines() const {
  std::vector<EngineSeat*> engines{engine_.get()};
  if (retiring_) engines.push_back(retiring_.get());
  return engines;
}

void Supervisor::tell_gateway(std::int64_t now_ms) {
  for (EngineSeat* engine : linked_engines()) {
    introduce(*engine, now_ms);
    tell_engine_ended(*engine, now_ms);
    tell_engine_state(*engine, now_ms);
  }
  tell_quarantine(now_ms);
  introduce_auditor(now_ms);
  tell_gateway_of_gpus(now_ms);
}

// One whose channel has ended is just ending itself: its successor gets the other end.
bool Supervisor::introducible(const EngineSeat& engine) const {
  return gateway_.serving() && gateway_.reachable() && engine.role.ready() &&
         engine.role.reachable();
}

bool Supervisor::introduced(const EngineSeat& engine) const {
  return engine.introduced_gateway == gateway_.generation() &&
         engine.introduced_generation == engine.role.generation();
}

std::int64_t Supervisor::next_introduction(const EngineSeat& engine) const {
  if (!engine.peer_lost || !introduced(engine) || !introducible(engine)) return Liveness::kNever;
  return engine.introduced_at + kBetweenIntroductionsMs;
}

void Supervisor::introduce(EngineSeat& engine, std::int64_t now_ms) {
  if (!introducible(engine)) return;
  if (introduced(engine) && now_ms < next_introduction(engine)) return;
  engine.introduced_at = now_ms;
  auto ends = daemon_ipc::Channel::create_pair();
  if (!ends.ok()) {
    log_.error("no channel between gateway and engine", {{"why", ends.error().message}});
    return;
  }
  engine.introduced_gateway = gateway_.generation();
  engine.introduced_generation = engine.role.generation();
  engine.peer_lost = false;
  const daemon_ipc::PeerChannel message{engine.number};
  gateway_.send(message, &ends.value().first, now_ms);
  engine.role.send(message, &ends.value().second, now_ms);
}

// Before the next engine is introduced: who is to blame is decided then at the latest.
void Supervisor::tell_engine_ended(EngineSeat& engine, std::int64_t now_ms) {
  if (engine.told_ends == engine.role.ends()) return;
  engine.told_ends = engine.role.ends();
  if (!gateway_.serving()) return;
  gateway_.send(daemon_ipc::EngineEnded{engine.role.ended_from_outside(), engine.number}, nullptr,
                now_ms);
}

daemon_ipc::EngineState Supervisor::state_of(const EngineSeat& engine, std::int64_t now_ms) const {
  using daemon_ipc::EngineCondition;
  if (engine.over) {
    return {EngineCondition::kDegraded, "its model is no longer served", engine.number};
  }
  if (engine.role.ready()) return {EngineCondition::kReady, "", engine.number};
  if (engine.role.degraded(now_ms)) {
    return {EngineCondition::kDegraded, "the engine keeps failing; the operator has been told",
            engine.number};
  }
  if (engine_was_ready_)
    return {EngineCondition::kDown, "the engine is being restarted", engine.number};
  return {EngineCondition::kStarting, "the model is being loaded", engine.number};
}

void Supervisor::tell_engine_state(EngineSeat& engine, std::int64_t now_ms) {
  engine_was_ready_ = engine_was_ready_ || engine.role.ready();
  if (!gateway_.serving()) return;
  const auto state = state_of(engine, now_ms);
  const std::string summary = fmt::format("{} {}", static_cast<int>(state.condition), state.text);
  if (engine.told_gateway == gateway_.generation() && engine.told_state == summary) return;
  engine.told_gateway = gateway_.generation();
  engine.told_state = summary;
  gateway_.send(state, nullptr, now_ms);
}

void Supervisor::hear_roles(std::int64_t now_ms) {
  for (const daemon_ipc::Message& message : gateway_.take_inbox()) hear_gateway(message, now_ms);
  for (EngineSeat* engine : linked_engines()) hear_engine(*engine, now_ms);
  if (candidate_) hear_engine(*candidate_, now_ms);
  hear_auditor(now_ms);
  hear_health(now_ms);
}

void Supervisor::hear_engine(EngineSeat& engine, std::int64_t now_ms) {
  for (const daemon_ipc::Message& message : engine.role.take_inbox()) {
    if (const auto* rejected = std::get_if<daemon_ipc::Rejected>(&message)) {
      log_.error("ALARM: the engine refuses the model",
                 {{"model", engine.model.name}, {"id", engine.model.id}, {"why", rejected->text}});
      engine.rejected = rejected->text.empty() ? "it says no more" : rejected->text;
      continue;
    }
    if (const auto* named = std::get_if<daemon_ipc::GpusInUse>(&message)) {
      hear_gpus_in_use(engine, *named, now_ms);
      continue;
    }
    if (!engine.peer_lost) log_.warning("role lost its peer", {{"role", engine.role.name()}});
    engine.peer_lost = true;
  }
}

void Supervisor::hear_gateway(const daemon_ipc::Message& message, std::int64_t now_ms) {
  if (const auto* reloaded = std::get_if<daemon_ipc::Reloaded>(&message))
    reload_.answered(*reloaded, gateway_, now_ms);
  if (const auto* retiring = std::get_if<daemon_ipc::Retiring>(&message))
    hear_retiring(*retiring, now_ms);
  if (const auto* lost = std::get_if<daemon_ipc::PeerLost>(&message)) {
    if (lost->engine == daemon_ipc::kAuditLink) audit_link_.lost = true;
    for (EngineSeat* engine : linked_engines()) {
      if (engine->number != lost->engine) continue;
      if (!engine->peer_lost) log_.warning("role lost its peer", {{"role", gateway_.name()}});
      engine->peer_lost = true;
    }
  }
  const auto* quarantined = std::get_if<daemon_ipc::Quarantine>(&message);
  if (quarantined == nullptr || !quarantine_.add(quarantined->digest)) return;
  log_.warning("a request that kills the engine is refused from now on",
               {{"digest", base::to_hex(std::as_bytes(std::span(quarantined->digest)))}});
  report("request.quarantined",
         base::Json::object(
             {{"digest", base::to_hex(std::as_bytes(std::span(quarantined->digest)))}}));
}

// All of them to every new gateway, as fast as it reads. What it reports itself comes back to it,
// which it takes as known.
void Supervisor::tell_quarantine(std::int64_t now_ms) {
  if (!gateway_.serving()) return;
  if (quarantine_gateway_ != gateway_.generation()) {
    quarantine_gateway_ = gateway_.generation();
    quarantine_place_ = 0;
  }
  quarantine_place_ = quarantine_.first_place(quarantine_place_);
  while (const std::string* digest = quarantine_.at(quarantine_place_)) {
    if (!gateway_.offer(daemon_ipc::Quarantine{*digest}, now_ms)) return;
    ++quarantine_place_;
  }
}

}  // namespace daemon_supervisor
