// One model in place of another: on request, beside the one that serves; at the start, a model on
// trial; and the way back, when a model fails.
#include <fmt/format.h>

#include "daemon/supervisor/supervisor.h"

namespace daemon_supervisor {
namespace {

using base::unavailable;
using Step = ModelChange::Phase;

// Requests under way may take as long as they are permitted to, but two models in memory are not
// for ever: who still streams after this is told that the engine is lost.
constexpr std::int64_t kRetireMs = 3'600'000;

// Between two attempts to write down that a model has proven itself (a full disk, say).
constexpr std::int64_t kProveAgainMs = 5'000;

}  // namespace

// ---- on request ---------------------------------------------------------------------------------

base::Status Supervisor::may_activate(const std::string& id, std::int64_t now_ms) const {
  if (phase_ != Phase::kRunning) return unavailable("the service is stopping");
  if (engine_->model.id.empty()) {
    return base::unsupported(
        "model.directory is configured: the appliance serves that model and not its store");
  }
  if (change_.under_way())
    return unavailable(fmt::format("the activation of {} is under way", change_.id()));
  if (retiring_) {
    return unavailable(fmt::format("{} is still finishing {} requests", retiring_->model.name,
                                   retiring_requests_.value_or(0)));
  }
  if (engine_->model.on_trial && engine_->model.id != id && !engine_->role.degraded(now_ms))
    return unavailable(fmt::format("{} is on trial just now", engine_->model.name));
  return {};
}

base::Result<std::uint64_t> Supervisor::activate(const std::string& id, bool restart,
                                                 std::int64_t now_ms) {
  if (change_.under_way(id)) return change_.number();
  TRY(may_activate(id, now_ms));
  if (engine_->model.id == id) {
    if (!engine_->model.on_trial) TRY(parts_.models->propose(id));
    return change_.begin(id, engine_->model.on_trial ? Step::kStarting : Step::kDone);
  }
  if (restart) {
    TRY(parts_.models->propose(id));
    log_.notice("stopping the engine for another model", {{"id", id}});
    engine_->role.stop(now_ms);
    return change_.begin(id, Step::kStopping);
  }
  TRY(parts_.models->check_room(id, engine_->model));
  auto model = TRY(parts_.models->open_for_trial(id));
  log_.notice("another model is on trial", {{"model", model.name}, {"id", id}});
  candidate_ = std::make_unique<EngineSeat>(std::move(model), log_);
  candidate_->role.rename("candidate");
  candidate_->role.start(now_ms);
  report_model("model.activated", candidate_->model, asked_by_);
  return change_.begin(id, Step::kStarting);
}

base::Result<std::uint64_t> Supervisor::roll_back(bool restart, std::int64_t now_ms) {
  return activate(TRY(parts_.models->previous()), restart, now_ms);
}

// ---- every turn ---------------------------------------------------------------------------------

void Supervisor::advance_models(std::int64_t now_ms) {
  std::erase_if(dismissed_,
                [](const auto& engine) { return engine->role.state() == RoleState::kStopped; });
  if (phase_ != Phase::kRunning) return;
  if (candidate_) advance_candidate(now_ms);
  advance_engine(now_ms);
  if (retiring_) advance_retiring(now_ms);
  if (change_.phase() == Step::kSwitching && (!retiring_ || retiring_requests_))
    change_.advance(Step::kDone);
}

// Why the trial of this engine's model is over without success; empty: it is not.
std::string Supervisor::end_of_trial(EngineSeat& engine) {
  const Role& role = engine.role;
  if (!engine.rejected.empty()) return engine.rejected;
  if (role.state() != RoleState::kWaiting || engine.counted_starts > role.generation()) return "";
  // It is started again, and that is to be counted before it happens.
  ++engine.counted_starts;
  return parts_.models->try_again(engine.model.id, role.last_exit()) ? "" : role.last_exit();
}

// What follows from an engine's being ready for the first time, durably.
base::Status Supervisor::settle(EngineSeat& engine) {
  if (engine.model.on_trial) {
    TRY(parts_.models->prove(engine.model));
    report_model("model.proven", engine.model, "");
  }
  engine.model.on_trial = false;
  engine.served = true;
  if (engine.model.id.empty()) return {};
  auto config = parts_.models->served(engine.model, engine.role.report());
  if (config.ok()) {
    engine.role.replace_config(std::move(config).value());
  } else {
    log_.error("not recorded", {{"model", engine.model.name}, {"why", config.error().message}});
  }
  return {};
}

void Supervisor::advance_candidate(std::int64_t now_ms) {
  std::string why = end_of_trial(*candidate_);
  if (why.empty() && !candidate_->role.ready()) return;
  if (why.empty()) {
    const auto settled = settle(*candidate_);
    if (settled.ok()) return switch_engines(now_ms);
    why = settled.error().message;
  }
  log_.error("ALARM: the model on trial has failed, the former one goes on",
             {{"model", candidate_->model.name}, {"id", candidate_->model.id}, {"why", why}});
  parts_.models->fail(candidate_->model.id, why);
  report_model("model.failed", candidate_->model, why);
  change_.fail(why);
  dismiss(std::move(candidate_), now_ms);
}

void Supervisor::switch_engines(std::int64_t now_ms) {
  log_.notice("the model on trial has proven itself and is active",
              {{"model", candidate_->model.name},
               {"id", candidate_->model.id},
               {"former", engine_->model.id}});
  if (retiring_) dismiss(std::move(retiring_), now_ms);
  retiring_requests_.reset();
  candidate_->number = engine_->number + 1;
  retiring_ = std::exchange(engine_, std::move(candidate_));
  retiring_->role.rename("former engine");
  engine_->role.rename("engine");
  kept_version_.reset();
  change_.advance(Step::kSwitching);
}

void Supervisor::hear_retiring(const daemon_ipc::Retiring& retiring, std::int64_t now_ms) {
  if (!retiring_ || retiring_->number != retiring.engine) return;
  if (!retiring_requests_) retire_by_ = now_ms + kRetireMs;
  retiring_requests_ = retiring.requests;
}

void Supervisor::advance_retiring(std::int64_t now_ms) {
  // A gateway that never met it, or that has ended, has no requests for it.
  const bool known = gateway_.serving() && gateway_.reachable() &&
                     retiring_->introduced_gateway == gateway_.generation();
  if (!known || retiring_requests_ == 0u) {
    log_.notice("the former model is released", {{"model", retiring_->model.name}});
    return dismiss(std::move(retiring_), now_ms);
  }
  if (retiring_requests_ && now_ms >= retire_by_) retiring_->over = true;
}

void Supervisor::advance_engine(std::int64_t now_ms) {
  EngineSeat& engine = *engine_;
  if (change_.phase() == Step::kStopping) {
    if (engine.role.state() == RoleState::kStopped) replace_engine(asked_by_, now_ms);
    return;
  }
  if (engine.role.ready() && !engine.served && now_ms >= engine.prove_again_at) {
    const auto settled = settle(engine);
    if (settled.ok()) {
      if (change_.under_way(engine.model.id)) change_.advance(Step::kDone);
    } else {
      engine.prove_again_at = now_ms + kProveAgainMs;
      log_.error("ALARM: cannot record that the model has proven itself",
                 {{"why", settled.error().message}});
    }
  }
  if (engine.hopeless) return;
  if (!engine.model.on_trial) return fall_back(now_ms);
  const std::string why = end_of_trial(engine);
  if (why.empty()) return;
  log_.error("ALARM: the model on trial has failed, going back to the active one",
             {{"model", engine.model.name}, {"id", engine.model.id}, {"why", why}});
  parts_.models->fail(engine.model.id, why);
  report_model("model.failed", engine.model, why);
  if (change_.under_way(engine.model.id)) change_.fail(why);
  replace_engine(why, now_ms);
}

// When the active model cannot be started any more.
void Supervisor::fall_back(std::int64_t now_ms) {
  EngineSeat& engine = *engine_;
  const bool rejected = !engine.rejected.empty();
  const bool degraded = !engine.served && engine.role.degraded(now_ms);
  if (engine.model.id.empty() || !(rejected || degraded)) return;
  const std::string why = rejected ? engine.rejected : engine.role.last_exit();
  report_model("model.failed", engine.model, why);
  if (!parts_.models->fall_back(engine.model.id, why)) {
    engine.hopeless = true;
    log_.error("ALARM: the active model cannot be started, and there is none to go back to",
               {{"model", engine.model.name}, {"why", why}});
    return;
  }
  log_.error("ALARM: the active model cannot be started, going back to the previous one",
             {{"model", engine.model.name}, {"id", engine.model.id}, {"why", why}});
  replace_engine(why, now_ms);
}

// By an engine of whatever model is to be started now, on the same link of the gateway.
void Supervisor::replace_engine(const std::string& why, std::int64_t now_ms) {
  tell_engine_ended(*engine_, now_ms);
  auto model = parts_.models->open_to_start();
  const bool failed =
      change_.phase() == Step::kStopping && (!model.ok() || model.value().id != change_.id());
  if (failed) {
    change_.fail(model.ok() ? "the model could not be opened" : model.error().message);
  } else if (change_.phase() == Step::kStopping) {
    change_.advance(Step::kStarting);
  }
  if (!model.ok()) {
    log_.error("ALARM: no other model can be opened", {{"why", model.error().message}});
    engine_->hopeless = true;
    engine_->rejected.clear();
    if (engine_->role.state() == RoleState::kStopped) engine_->role.start(now_ms);
    return;
  }
  const std::uint64_t number = engine_->number;
  dismiss(std::move(engine_), now_ms);
  engine_ = std::make_unique<EngineSeat>(std::move(model).value(), log_);
  engine_->number = number;
  engine_->role.start(now_ms);
  report_model(engine_->model.on_trial ? "model.activated" : "model.rolled_back", engine_->model,
               failed ? change_.why() : why);
  kept_version_.reset();
}

void Supervisor::dismiss(std::unique_ptr<EngineSeat> engine, std::int64_t now_ms) {
  engine->role.rename("former engine");
  engine->role.stop(now_ms);
  if (engine->role.state() != RoleState::kStopped) dismissed_.push_back(std::move(engine));
}

// A model that was on trial when the service was told to stop has not failed: the start counts for
// nothing.
void Supervisor::forgive_trial() {
  const EngineSeat& engine = candidate_ ? *candidate_ : *engine_;
  if (!engine.model.on_trial || !engine.rejected.empty()) return;
  if (engine.role.state() != RoleState::kStarting) return;
  const auto proposed = parts_.models->propose(engine.model.id);
  if (!proposed.ok()) log_.error("not recorded", {{"why", proposed.error().message}});
}

}  // namespace daemon_supervisor
