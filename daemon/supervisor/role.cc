#include "daemon/supervisor/role.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "daemon/supervisor/sealed_memfd.h"
#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

constexpr std::int64_t kDeathGraceMs =
    10'000;  // SIGKILL works at once, unless the kernel itself is stuck

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

}  // namespace

std::string_view role_state_name(RoleState state) {
  switch (state) {
    case RoleState::kStopped:
      return "stopped";
    case RoleState::kStarting:
      return "starting";
    case RoleState::kReady:
      return "ready";
    case RoleState::kDraining:
      return "draining";
    case RoleState::kStopping:
      return "stopping";
    case RoleState::kKilled:
      return "killed";
    case RoleState::kWaiting:
      return "waiting";
  }
  return "unknown";
}

Role::Role(RoleSpec spec, const base::Logger& log)
    : spec_(std::move(spec)), log_(log), restarts_(spec_.restarts), liveness_(spec_.patience) {}

// ---- what the supervisor wants ------------------------------------------------------------------

void Role::start(std::int64_t now) {
  ++generation_;
  started_at_ = now;
  ready_at_ = 0;
  killed_at_ = 0;
  deadline_ = Liveness::kNever;
  restart_when_stopped_ = false;
  failure_.clear();
  progress_.clear();
  state_ = RoleState::kStarting;
  liveness_.started(now);
  const auto launch = [this]() -> base::Status {
    auto ends = TRY(daemon_ipc::Channel::create_pair());
    const base::Fd null = TRY(base::open_file("/dev/null", O_RDWR));
    TRY(rewind_memfd(spec_.config));
    SpawnRequest request{spec_.executable, spec_.arguments, spec_.environment, {}};
    request.descriptors = {null.get(), null.get(), STDERR_FILENO, ends.second.get(),
                           spec_.config.get()};
    request.descriptors.insert(request.descriptors.end(), spec_.resources.begin(),
                               spec_.resources.end());
    child_ = TRY(spawn(request));
    channel_.emplace(std::move(ends.first));
    return {};
  };
  const auto launched = launch();
  if (launched.ok()) {
    log_.info("role started", {{"role", spec_.name}, {"pid", std::int64_t{child_->pid}}});
    return;
  }
  last_exit_ = launched.error().message;
  wait_to_restart(now);
}

void Role::drain(std::int64_t now, std::uint32_t timeout_ms) {
  if (state_ != RoleState::kReady) return stop(now);
  send(daemon_ipc::Drain{timeout_ms}, nullptr, now);
  if (state_ != RoleState::kReady) return;
  state_ = RoleState::kDraining;
  deadline_ = now + timeout_ms + spec_.patience.stop_ms;
}

void Role::stop(std::int64_t now) {
  channel_.reset();  // its end is what a role waits for
  if (!child_) {
    state_ = RoleState::kStopped;
    deadline_ = Liveness::kNever;
    return;
  }
  if (state_ == RoleState::kStopping) return;
  state_ = RoleState::kStopping;
  deadline_ = now + spec_.patience.stop_ms;
}

void Role::send(const daemon_ipc::Message& message, const base::Fd* fd_to_pass, std::int64_t now) {
  if (!channel_) return;
  const auto sent = channel_->send(message, fd_to_pass);
  if (!sent.ok()) fail(sent.error().message, now);
}

// ---- what the role does -------------------------------------------------------------------------

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
    handle(received.value()->message, now);
  }
}

void Role::handle(const daemon_ipc::Message& message, std::int64_t now) {
  if (const auto* ready = std::get_if<daemon_ipc::Ready>(&message))
    return handle_ready(*ready, now);
  if (const auto* progress = std::get_if<daemon_ipc::Progress>(&message))
    return handle_progress(*progress, now);
  if (const auto* alive = std::get_if<daemon_ipc::Alive>(&message))
    return handle_alive(*alive, now);
  if (std::holds_alternative<daemon_ipc::Drained>(message) && state_ == RoleState::kDraining)
    return stop(now);
  const auto name = daemon_ipc::message_name(daemon_ipc::message_type(message));
  fail(fmt::format("sent \"{}\", which is not permitted while {}", name, role_state_name(state_)),
       now);
}

void Role::handle_ready(const daemon_ipc::Ready& ready, std::int64_t now) {
  if (state_ != RoleState::kStarting) return fail("sent \"ready\" twice", now);
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
}

void Role::handle_progress(const daemon_ipc::Progress& progress, std::int64_t now) {
  if (state_ != RoleState::kStarting)
    return fail("sent \"progress\" when it was not starting", now);
  liveness_.progressed(progress.done, now);
  progress_ = progress.total == 0 ? progress.what
                                  : fmt::format("{} {:.0f} %", progress.what,
                                                100.0 * static_cast<double>(progress.done) /
                                                    static_cast<double>(progress.total));
}

void Role::handle_alive(const daemon_ipc::Alive& alive, std::int64_t now) {
  if (state_ != RoleState::kReady && state_ != RoleState::kDraining) {
    return fail("sent \"alive\" before \"ready\"", now);
  }
  auto stats = parse_report(alive.stats, "alive.stats");
  if (!stats.ok()) return fail(stats.error().message, now);
  stats_ = std::move(stats).value();
  work_ = alive.work;
  busy_ = alive.busy;
  liveness_.answered(alive.work, alive.busy, now);
}

void Role::collect_exit(std::int64_t now) {
  if (!child_) return;
  const std::string how = reap(*child_);
  if (how.empty()) return;
  child_.reset();
  channel_.reset();
  if (state_ != RoleState::kStopping) {
    last_exit_ = failure_.empty() ? how : fmt::format("{} ({})", failure_, how);
    return wait_to_restart(now);
  }
  log_.info("role stopped", {{"role", spec_.name}, {"how", how}});
  state_ = RoleState::kStopped;
  deadline_ = Liveness::kNever;
  if (restart_when_stopped_) start(now);
}

// ---- failures and time --------------------------------------------------------------------------

void Role::fail(std::string_view why, std::int64_t now) {
  if (killed_at_ != 0) return;
  failure_ = why;
  kill_process(now);
}

void Role::kill_process(std::int64_t now) {
  channel_.reset();
  if (!child_ || killed_at_ != 0) return;
  killed_at_ = now;
  deadline_ = now + kDeathGraceMs;
  ::syscall(SYS_pidfd_send_signal, child_->pidfd.get(), SIGKILL, nullptr, 0);
  // A role that was told to stop has stopped, however it ended.
  if (state_ != RoleState::kStopping) state_ = RoleState::kKilled;
}

void Role::wait_to_restart(std::int64_t now) {
  const std::int64_t ready_ms = ready_at_ == 0 ? 0 : now - ready_at_;
  const std::int64_t delay_ms = restarts_.failed(now, ready_ms);
  log_.error("role failed",
             {{"role", spec_.name}, {"how", last_exit_}, {"restart_in_ms", delay_ms}});
  if (restarts_.degraded(now))
    log_.error("ALARM: role is degraded: it keeps failing", {{"role", spec_.name}});
  state_ = RoleState::kWaiting;
  deadline_ = now + delay_ms;
}

void Role::tick(std::int64_t now) {
  if (killed_at_ != 0 && child_) return;  // nothing more can be done to it
  if (state_ == RoleState::kStarting || state_ == RoleState::kReady ||
      state_ == RoleState::kDraining) {
    const auto why = liveness_.overdue(now);
    if (!why.empty()) return fail(why, now);
  }
  if (now >= deadline_) {
    if (state_ == RoleState::kWaiting) return start(now);
    if (state_ == RoleState::kStopping) {
      log_.warning("role does not stop by itself, killing it", {{"role", spec_.name}});
      return kill_process(now);
    }
    if (state_ == RoleState::kDraining) return stop(now);
    return fail("closed its control channel", now);
  }
  const bool lively = state_ == RoleState::kReady || state_ == RoleState::kDraining;
  if (!lively || !liveness_.ping_due(now)) return;
  liveness_.pinged(now);
  send(daemon_ipc::Ping{}, nullptr, now);
}

std::int64_t Role::next_deadline() const {
  const bool watched = state_ == RoleState::kStarting || state_ == RoleState::kReady ||
                       state_ == RoleState::kDraining;
  if (child_ && killed_at_ != 0) return Liveness::kNever;
  return watched ? std::min(deadline_, liveness_.next_deadline()) : deadline_;
}

// ---- facts --------------------------------------------------------------------------------------

int Role::control_fd() const {
  return channel_ ? channel_->fd() : -1;
}
int Role::exit_fd() const {
  return child_ ? child_->pidfd.get() : -1;
}

std::int64_t Role::restart_in_ms(std::int64_t now) const {
  return state_ == RoleState::kWaiting ? std::max<std::int64_t>(0, deadline_ - now) : 0;
}

bool Role::kill_overdue(std::int64_t now) const {
  return child_ && killed_at_ != 0 && now >= killed_at_ + kDeathGraceMs;
}

base::Json Role::serialize(std::int64_t now) const {
  base::Json json =
      base::Json::object({{"name", spec_.name},
                          {"state", role_state_name(state_)},
                          {"pid", std::int64_t{child_ ? child_->pid : 0}},
                          {"restarts", generation_ > 0 ? generation_ - 1 : 0},
                          {"degraded", degraded(now)},
                          {"uptime_ms", child_ ? now - started_at_ : std::int64_t{0}}});
  if (state_ == RoleState::kWaiting) json.set("restart_in_ms", restart_in_ms(now));
  if (state_ == RoleState::kStarting && !progress_.empty()) json.set("progress", progress_);
  if (!last_exit_.empty()) json.set("last_exit", last_exit_);
  if (!ready() && state_ != RoleState::kDraining) return json;
  json.set("work", work_);
  json.set("busy", busy_);
  json.set("report", report_);
  json.set("stats", stats_);
  return json;
}

}  // namespace daemon_supervisor
