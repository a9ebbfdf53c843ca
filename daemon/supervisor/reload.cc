#include "daemon/supervisor/reload.h"

#include <fmt/format.h>

namespace daemon_supervisor {
namespace {

// From the request to the gateway's answer, a gateway that is just starting included. One that
// answers pings but not this is broken.
constexpr std::int64_t kAnswerMs = 10'000;

base::Json to_json(const std::vector<std::string>& names) {
  base::Json list = base::Json::array();
  for (const std::string& name : names) list.push_back(name);
  return list;
}

}  // namespace

std::uint64_t Reload::request() {
  // One that is under way may have read a file before it was changed.
  wanted_ = number_ + 1;
  return wanted_;
}

const base::Json* Reload::outcome(std::uint64_t number) const {
  const bool over = number < number_ || (number == number_ && phase_ == Phase::kIdle);
  return over ? &outcome_ : nullptr;
}

void Reload::advance(Role& gateway, std::int64_t now) {
  if (phase_ == Phase::kIdle && wanted_ > number_) begin(now);
  if (phase_ == Phase::kOffering) offer(gateway, now);
  if (phase_ == Phase::kIdle) return;
  if (phase_ == Phase::kOffered && (!gateway.serving() || gateway.generation() != offered_to_))
    return refuse("the gateway ended while it took the new settings");
  if (now < deadline_) return;
  if (phase_ == Phase::kOffered) gateway.condemn("does not answer \"reload\"", now);
  refuse("the gateway did not answer in time");
}

void Reload::cancel(std::string_view why) {
  if (!under_way()) return;
  number_ = wanted_;
  refuse(why);
}

void Reload::begin(std::int64_t now) {
  number_ = wanted_;
  auto fresh = read_();
  if (!fresh.ok()) return refuse(fresh.error().message);
  fresh_ = std::move(fresh).value();
  phase_ = Phase::kOffering;
  deadline_ = now + kAnswerMs;
}

void Reload::offer(Role& gateway, std::int64_t now) {
  if (gateway.ready()) {
    phase_ = Phase::kOffered;
    offered_to_ = gateway.generation();
    answer_due_ = true;
    gateway.send(daemon_ipc::Reload{}, &fresh_.gateway_config, now);
    return;
  }
  // What keeps it from running may be just what has been repaired.
  if (gateway.state() != RoleState::kWaiting) return;
  take(gateway, "the gateway is not running; it is started with the new settings");
  gateway.retry_now(now);
}

void Reload::answered(const daemon_ipc::Reloaded& answer, Role& gateway, std::int64_t now) {
  if (!answer_due_ || gateway.generation() != offered_to_)
    return gateway.condemn("sent \"reloaded\" without having been asked", now);
  answer_due_ = false;
  if (phase_ != Phase::kOffered) return;  // called off meanwhile
  if (!answer.accepted) return refuse(fmt::format("the gateway refuses: {}", answer.text));
  take(gateway, "done");
}

void Reload::take(Role& gateway, std::string_view how) {
  gateway.replace_config(std::move(fresh_.gateway_config));
  if (fresh_.taken) fresh_.taken();
  log_.notice("reloaded",
              {{"how", how}, {"changed", fmt::format("{}", fmt::join(fresh_.changed, " "))}});
  for (const std::string& key : fresh_.restarted)
    log_.warning(key + ": needs a restart of the service");
  end(base::Json::object({{"reload", how},
                          {"changed", to_json(fresh_.changed)},
                          {"needs_restart", to_json(fresh_.restarted)}}));
}

void Reload::refuse(std::string_view why) {
  log_.error("reload refused, everything stays as it is", {{"why", why}});
  end(base::Json::object({{"reload", "refused"}, {"error", why}}));
}

void Reload::end(base::Json outcome) {
  outcome_ = std::move(outcome);
  ended_.push_back(outcome_);
  phase_ = Phase::kIdle;
  deadline_ = Liveness::kNever;
  fresh_ = {};
}

}  // namespace daemon_supervisor
