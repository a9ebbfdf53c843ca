// What a role says, and what follows from it.
#include <fmt/format.h>

#include "daemon/supervisor/role.h"

namespace daemon_supervisor {
namespace {

constexpr base::JsonLimits kReportLimits{daemon_ipc::kReportBytesMax, 8, 2'000};

base::Result<base::Json> parse_report(std::string_view text, std::string_view what) {
  auto json = TRY(base::Json::parse(text, kReportLimits).context(what));
  if (!json.is_object()) return base::invalid_input(fmt::format("{} is not a JSON object", what));
  return json;
}

// sandbox.landlock_abi of a `ready` report; 0 when it says nothing.
std::int64_t reported_landlock_abi(const base::Json& report) {
  const base::Json* sandbox = report.find("sandbox");
  if (sandbox == nullptr || !sandbox->is_object()) return 0;
  const base::Json* abi = sandbox->find("landlock_abi");
  return abi != nullptr && abi->is_int() ? abi->as_int() : 0;
}

std::optional<Stage> stage_of(RoleState state) {
  switch (state) {
    case RoleState::kStarting:
      return Stage::kStarting;
    case RoleState::kReady:
      return Stage::kReady;
    case RoleState::kDraining:
      return Stage::kDraining;
    default:
      return std::nullopt;
  }
}

}  // namespace

void Role::read_control(std::int64_t now) {
  // A role that talks without end must not keep the supervisor from the others.
  constexpr int kMessagesPerTurn = 64;
  for (int i = 0; i < kMessagesPerTurn && channel_; ++i) {
    auto received = channel_->receive();
    if (!received.ok() && received.error().sys_errno == EPIPE) {
      channel_.reset();
      // Usually because the process ended, which its exit will tell; otherwise it does not get far
      // without us.
      if (killed_at_ == 0) deadline_ = std::min(deadline_, now + spec_.patience.stop_ms);
      return;
    }
    if (!received.ok()) return fail(received.error().message, now);
    if (!received.value()) return;
    handle(std::move(*received.value()), now);
  }
}

void Role::handle(daemon_ipc::Received received, std::int64_t now) {
  const daemon_ipc::Message& message = received.message;
  const auto type = daemon_ipc::message_type(message);
  const auto stage = stage_of(state_);
  if (!stage || !may_send(spec_.kind, *stage, type)) {
    return fail(fmt::format("sent \"{}\", which is not permitted while {}",
                            daemon_ipc::message_name(type), role_state_name(state_)),
                now);
  }
  if (const auto* ready = std::get_if<daemon_ipc::Ready>(&message))
    return handle_ready(*ready, now);
  if (const auto* progress = std::get_if<daemon_ipc::Progress>(&message))
    return handle_progress(*progress, now);
  if (const auto* alive = std::get_if<daemon_ipc::Alive>(&message))
    return handle_alive(*alive, now);
  if (const auto* weights = std::get_if<daemon_ipc::Weights>(&message))
    return handle_weights(*weights, std::move(received.fd), now);
  if (std::holds_alternative<daemon_ipc::Drained>(message)) return stop(now);
  inbox_.push_back(std::move(received.message));
}

void Role::handle_ready(const daemon_ipc::Ready& ready, std::int64_t now) {
  auto report = parse_report(ready.report, "ready.report");
  if (!report.ok()) return fail(report.error().message, now);
  report_ = std::move(report).value();
  const auto abi = reported_landlock_abi(report_);
  if (abi < spec_.landlock_abi_min) {
    return fail(fmt::format("reached Landlock level {}, sandbox.landlock_abi_min asks for {}", abi,
                            spec_.landlock_abi_min),
                now);
  }
  state_ = RoleState::kReady;
  ready_at_ = now;
  liveness_.became_ready(now);
  log_.info("role ready", {{"role", spec_.name}, {"after_ms", now - started_at_}});
  note_ready();
}

// ---- for the audit log --------------------------------------------------------------------------

void Role::note_ready() {
  base::Json facts = base::Json::object();
  base::Json body = base::Json::object({{"name", spec_.name}, {"start", generation_}});
  for (const auto& [key, value] : report_.as_object()) {
    key == "sandbox" ? body.set(key, value) : facts.set(key, value);
  }
  body.set("facts", std::move(facts));
  events_.push_back({"role.ready", std::move(body)});
}

void Role::note_end(const std::string& why, bool from_outside,
                    std::optional<std::int64_t> restart_in_ms) {
  base::Json body =
      base::Json::object({{"name", spec_.name}, {"why", why}, {"from_outside", from_outside}});
  if (restart_in_ms) body.set("restart_in_ms", *restart_in_ms);
  events_.push_back({"role.ended", std::move(body)});
}

// ---- how it gets on -----------------------------------------------------------------------------

void Role::handle_progress(const daemon_ipc::Progress& progress, std::int64_t now) {
  liveness_.progressed(progress.done, now);
  progress_done_ = progress.done;
  progress_ = progress.total == 0 ? progress.what
                                  : fmt::format("{} {:.0f} %", progress.what,
                                                100.0 * static_cast<double>(progress.done) /
                                                    static_cast<double>(progress.total));
}

void Role::handle_alive(const daemon_ipc::Alive& alive, std::int64_t now) {
  auto stats = parse_report(alive.stats, "alive.stats");
  if (!stats.ok()) return fail(stats.error().message, now);
  stats_ = std::move(stats).value();
  work_ = alive.work;
  busy_ = alive.busy;
  liveness_.answered(alive.work, alive.busy, now);
}

void Role::handle_weights(const daemon_ipc::Weights& weights, base::Fd fd, std::int64_t now) {
  if (weights_taken_) return fail("sent \"weights\" twice", now);
  weights_taken_ = true;
  auto adopted = KeptWeights::adopt(std::move(fd), weights.key);
  if (!adopted.ok()) return fail(adopted.error().message, now);
  if (adopted.value().bytes != weights.bytes) {
    return fail(fmt::format("announced weights of {} bytes, but they have {}", weights.bytes,
                            adopted.value().bytes),
                now);
  }
  log_.info("keeping the packed weights",
            {{"role", spec_.name}, {"bytes", static_cast<std::int64_t>(weights.bytes)}});
  set_weights(std::move(adopted).value());
}

}  // namespace daemon_supervisor
