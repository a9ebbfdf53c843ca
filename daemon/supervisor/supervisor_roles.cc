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

// One whose channel has ended is just ending itself: its successor gets the other end.
bool Supervisor::introducible() const {
  return gateway_.serving() && gateway_.reachable() && engine_.ready() && engine_.reachable();
}

bool Supervisor::introduced() const {
  return introduced_gateway_ == gateway_.generation() && introduced_engine_ == engine_.generation();
}

std::int64_t Supervisor::next_introduction() const {
  if (!peer_lost_ || !introduced() || !introducible()) return Liveness::kNever;
  return tried_to_introduce_at_ + kBetweenIntroductionsMs;
}

void Supervisor::introduce_roles(std::int64_t now_ms) {
  if (!introducible()) return;
  if (introduced() && now_ms < next_introduction()) return;
  tried_to_introduce_at_ = now_ms;
  auto ends = daemon_ipc::Channel::create_pair();
  if (!ends.ok()) {
    log_.error("no channel between gateway and engine", {{"why", ends.error().message}});
    return;
  }
  introduced_gateway_ = gateway_.generation();
  introduced_engine_ = engine_.generation();
  peer_lost_ = false;
  gateway_.send(daemon_ipc::PeerChannel{}, &ends.value().first, now_ms);
  engine_.send(daemon_ipc::PeerChannel{}, &ends.value().second, now_ms);
}

// Before the next engine is introduced: who is to blame is decided then at the latest.
void Supervisor::tell_engine_ended(std::int64_t now_ms) {
  if (told_ends_ == engine_.ends()) return;
  told_ends_ = engine_.ends();
  if (!gateway_.serving()) return;
  gateway_.send(daemon_ipc::EngineEnded{engine_.ended_from_outside()}, nullptr, now_ms);
}

void Supervisor::tell_engine_state(std::int64_t now_ms) {
  engine_was_ready_ = engine_was_ready_ || engine_.ready();
  if (!gateway_.serving()) return;
  daemon_ipc::EngineState state{daemon_ipc::EngineCondition::kStarting,
                                "the model is being loaded"};
  if (engine_.ready()) {
    state = {daemon_ipc::EngineCondition::kReady, ""};
  } else if (engine_.degraded(now_ms)) {
    state = {daemon_ipc::EngineCondition::kDegraded,
             "the engine keeps failing; the operator has been told"};
  } else if (engine_was_ready_) {
    state = {daemon_ipc::EngineCondition::kDown, "the engine is being restarted"};
  }
  const std::string summary = fmt::format("{} {}", static_cast<int>(state.condition), state.text);
  if (told_gateway_ == gateway_.generation() && told_state_ == summary) return;
  told_gateway_ = gateway_.generation();
  told_state_ = summary;
  gateway_.send(state, nullptr, now_ms);
}

void Supervisor::hear_roles(std::int64_t now_ms) {
  for (Role* role : {&gateway_, &engine_}) {
    for (const daemon_ipc::Message& message : role->take_inbox()) {
      if (!std::holds_alternative<daemon_ipc::PeerLost>(message)) {
        hear_gateway(message, now_ms);  // whose alone the others are
        continue;
      }
      if (!peer_lost_) log_.warning("role lost its peer", {{"role", role->name()}});
      peer_lost_ = true;
    }
  }
}

void Supervisor::hear_gateway(const daemon_ipc::Message& message, std::int64_t now_ms) {
  if (const auto* reloaded = std::get_if<daemon_ipc::Reloaded>(&message))
    reload_.answered(*reloaded, gateway_, now_ms);
  const auto* quarantined = std::get_if<daemon_ipc::Quarantine>(&message);
  if (quarantined == nullptr || !quarantine_.add(quarantined->digest)) return;
  log_.warning("a request that kills the engine is refused from now on",
               {{"digest", base::to_hex(std::as_bytes(std::span(quarantined->digest)))}});
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
