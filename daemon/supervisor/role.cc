#include "daemon/supervisor/role.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
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

bool is_readable(const base::Fd& fd) {
  pollfd wait{fd.get(), POLLIN, 0};
  return ::poll(&wait, 1, 0) > 0;
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
  held_ = false;
  renewed_ = false;
  busy_ = false;
  deadline_ = Liveness::kNever;
  failure_.clear();
  progress_.clear();
  inbox_.clear();
  page_.reset();
  weights_given_ = weights_taken_ = false;
  state_ = RoleState::kStarting;
  liveness_.started(now);
  const auto launched = launch();
  if (launched.ok()) {
    log_.info("role started", {{"role", spec_.name}, {"pid", std::int64_t{child_->pid}}});
    for (const std::string& what : child_->skipped)
      log_.info("sandbox: left out", {{"role", spec_.name}, {"what", what}});
    return;
  }
  last_exit_ = launched.error().message;
  wait_to_restart(now);
}

base::Status Role::launch() {
  auto ends = TRY(daemon_ipc::Channel::create_pair());
  const base::Fd null = TRY(base::open_file("/dev/null", O_RDWR));
  TRY(rewind_memfd(spec_.config));
  SpawnRequest request{spec_.executable, spec_.arguments, spec_.environment, {}, spec_.identity};
  auto& descriptors = request.descriptors;
  descriptors = {null.get(), null.get(), STDERR_FILENO, ends.second.get(), spec_.config.get()};
  descriptors.insert(descriptors.end(), spec_.resources.begin(), spec_.resources.end());
  base::Fd page;
  if (spec_.progress_page) {
    page = TRY(daemon_progress::create_progress_page());
    page_ = TRY(daemon_progress::ProgressReader::map(page));
    descriptors.push_back(page.get());
  }
  if (weights_) descriptors.push_back(weights_->fd.get());
  request.arguments.push_back(fmt::format("--descriptors={}", descriptors.size()));
  child_ = TRY(spawn(request));
  weights_given_ = weights_.has_value();
  channel_.emplace(std::move(ends.first));
  return {};
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

void Role::retry_now(std::int64_t now) {
  if (state_ == RoleState::kWaiting) deadline_ = now;
}

void Role::give_weights(KeptWeights weights) {
  set_weights(std::move(weights));
}

void Role::set_weights(std::optional<KeptWeights> weights) {
  weights_ = std::move(weights);
  ++weights_version_;
}

void Role::send(const daemon_ipc::Message& message, const base::Fd* fd_to_pass, std::int64_t now) {
  if (!channel_) return;
  const auto sent = channel_->send(message, fd_to_pass);
  if (!sent.ok()) fail(sent.error().message, now);
}

bool Role::offer(const daemon_ipc::Message& message, std::int64_t now) {
  if (!channel_) return false;
  const auto sent = channel_->send(message);
  if (sent.ok()) return true;
  if (sent.error().code != base::ErrorCode::kUnavailable) fail(sent.error().message, now);
  return false;
}

// ---- how it ends -------------------------------------------------------------------------------

void Role::collect_exit(std::int64_t now) {
  if (!child_) return;
  const auto [how, from_outside] = reap(*child_);
  if (how.empty()) {
    held_ = killed_at_ != 0 && is_readable(child_->pidfd);
    return;
  }
  read_control(now);  // all that it said before it ended counts
  child_.reset();
  channel_.reset();
  ++ends_;
  // One that was told to stop has been ended by us, however it took it.
  ended_from_outside_ =
      state_ == RoleState::kStopping || renewed_ || (from_outside && killed_at_ == 0);
  if (state_ != RoleState::kStopping) {
    last_exit_ = failure_.empty() ? how : fmt::format("{} ({})", failure_, how);
    return wait_to_restart(now);
  }
  log_.info("role stopped", {{"role", spec_.name}, {"how", how}});
  note_end("told to stop: " + how, false, std::nullopt);
  state_ = RoleState::kStopped;
  deadline_ = Liveness::kNever;
}

// ---- failures and time --------------------------------------------------------------------------

void Role::fail(std::string_view why, std::int64_t now) {
  if (killed_at_ != 0) return;
  failure_ = why;
  kill_process(now);
}

void Role::renew(std::string_view why, std::int64_t now) {
  if (!child_ || killed_at_ != 0 || state_ == RoleState::kStopping) return;
  renewed_ = true;
  fail(why, now);
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
  if (renewed_) {
    log_.notice("role is replaced", {{"role", spec_.name}, {"why", failure_}});
    note_end(last_exit_, true, 0);
    state_ = RoleState::kWaiting;
    deadline_ = now;
    return;
  }
  const bool was_degraded = degraded(now);
  const std::int64_t delay_ms = restarts_.failed(now, ready_at_ != 0);
  log_.error("role failed",
             {{"role", spec_.name}, {"how", last_exit_}, {"restart_in_ms", delay_ms}});
  note_end(last_exit_, ended_from_outside_, delay_ms);
  if (degraded(now) && !was_degraded)
    log_.error("ALARM: role is degraded: it keeps failing", {{"role", spec_.name}});
  if (weights_given_ && ready_at_ == 0) {
    log_.warning("the kept weights may be what is wrong: loading anew", {{"role", spec_.name}});
    set_weights(std::nullopt);
  }
  state_ = RoleState::kWaiting;
  deadline_ = now + delay_ms;
}

void Role::tick(std::int64_t now) {
  if (killed_at_ != 0 && child_) return;  // nothing more can be done to it
  if (watched()) {
    if (page_) {
      const auto page = page_->read();
      liveness_.page_read(page.count, page.busy, now);
    }
    if (liveness_.shown_life()) follows_stuck_ = false;
    const auto why = liveness_.overdue(now);
    if (!why.empty()) {
      follows_stuck_ = true;
      return fail(why, now);
    }
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
  if (!serving() || !liveness_.ping_due(now)) return;
  liveness_.pinged(now);
  send(daemon_ipc::Ping{}, nullptr, now);
}

bool Role::watched() const {
  return state_ == RoleState::kStarting || serving();
}

std::int64_t Role::next_deadline() const {
  if (child_ && killed_at_ != 0) return Liveness::kNever;
  return watched() ? std::min(deadline_, liveness_.next_deadline()) : deadline_;
}

// ---- facts --------------------------------------------------------------------------------------

int Role::control_fd() const {
  return channel_ ? channel_->fd() : -1;
}
int Role::exit_fd() const {
  return child_ && !held_ ? child_->pidfd.get() : -1;
}

std::int64_t Role::restart_in_ms(std::int64_t now) const {
  return state_ == RoleState::kWaiting ? std::max<std::int64_t>(0, deadline_ - now) : 0;
}

bool Role::stuck() const {
  const bool dying = child_ && killed_at_ != 0 && state_ == RoleState::kKilled;
  return dying || (follows_stuck_ && state_ == RoleState::kStarting && !liveness_.shown_life());
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
  // Of one that waits: how far the last start came, or why it failed.
  const bool told =
      state_ == RoleState::kStarting || (state_ == RoleState::kWaiting && ready_at_ == 0);
  if (told && !progress_.empty()) json.set("progress", progress_);
  if (!last_exit_.empty()) json.set("last_exit", last_exit_);
  if (weights_) json.set("weights_kept_bytes", weights_->bytes);
  if (!serving()) return json;
  json.set("work", work_);
  json.set("busy", busy_);
  json.set("report", report_);
  json.set("stats", stats_);
  return json;
}

}  // namespace daemon_supervisor
