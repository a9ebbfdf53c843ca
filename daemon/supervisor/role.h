// One role as the supervisor sees it: a process that starts, becomes ready, is asked for signs of
// life, drains, stops, and is started again when it fails.
//
//             start          ready           drain          drained
//   stopped ────────► starting ────► ready ────────► draining ────────► stopping ──► stopped
//                      ▲  │            │                │
//              waiting ┴──┴────────────┴────────────────┘  it ended; or, by way of killed, it broke
//                                                          the protocol or got nowhere
#ifndef DAEMON_SUPERVISOR_ROLE_H_
#define DAEMON_SUPERVISOR_ROLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/ipc/channel.h"
#include "daemon/progress/progress_page.h"
#include "daemon/supervisor/kept_weights.h"
#include "daemon/supervisor/liveness.h"
#include "daemon/supervisor/restart_policy.h"
#include "daemon/supervisor/role_permissions.h"
#include "daemon/supervisor/spawn.h"
#include "hardening/base/json.h"
#include "hardening/base/log.h"
#include "hardening/policy.h"

namespace daemon_supervisor {

enum class RoleState : std::uint8_t {
  kStopped,
  kStarting,
  kReady,
  kDraining,
  kStopping,
  kKilled,
  kWaiting
};
std::string_view role_state_name(RoleState state);

// What became of a role, as the audit log is told: "role.ready" or "role.ended", and the record's
// body.
struct RoleEvent {
  std::string type;
  base::Json body;
};

// Descriptors 5 and up are, in this order: `resources`, the progress page, the kept weights.
struct RoleSpec {
  std::string name;
  RoleKind kind = RoleKind::kGateway;
  int executable = -1;                 // borrowed
  std::vector<std::string> arguments;  // with arguments[0]; --descriptors=N is added at each start
  std::vector<std::string> environment;
  hardening::Identity identity;  // see spawn.h
  base::Fd config;               // sealed memfd: descriptor 4
  std::vector<int> resources;    // borrowed
  bool progress_page = false;    // a fresh one at each start
  Patience patience;
  RestartPolicy::Limits restarts;
  std::int64_t landlock_abi_min = 0;
};

// Times are milliseconds of a monotonic clock. One thread.
class Role {
 public:
  Role(RoleSpec spec, const base::Logger& log);

  void start(std::int64_t now);
  void drain(std::int64_t now, std::uint32_t timeout_ms);  // when ready; otherwise stops
  void stop(std::int64_t now);       // ends the control channel, and after a moment the process
  void retry_now(std::int64_t now);  // when waiting: somebody has repaired something
  void forgive() { restarts_.forgive(); }  // its last failure was not its own doing
  void replace_config(base::Fd config) { spec_.config = std::move(config); }  // from the next start
  void give_weights(KeptWeights weights);                                     // likewise
  void rename(std::string name) { spec_.name = std::move(name); }

  // To call when control_fd() or exit_fd() is readable, and at next_deadline().
  void read_control(std::int64_t now);
  void collect_exit(std::int64_t now);
  void tick(std::int64_t now);
  void excuse(std::int64_t milliseconds) { liveness_.excuse(milliseconds); }  // see liveness.h

  // A failure to send is the role's fault and ends it.
  void send(const daemon_ipc::Message& message, const base::Fd* fd_to_pass, std::int64_t now);
  // Likewise, but a channel that is full just now only means false.
  bool offer(const daemon_ipc::Message& message, std::int64_t now);
  // Ends it for what it did or left undone; it is started again as after any failure.
  void condemn(std::string_view why, std::int64_t now) { fail(why, now); }
  // Ends it for no fault of its own, so that a fresh one takes its place at once: no failure, and
  // nobody's request is to blame.
  void renew(std::string_view why, std::int64_t now);
  // What it said that is the supervisor's to judge: everything but what its life consists of
  // (`ready`, `progress`, `alive`, `weights`, `drained`), in order.
  std::vector<daemon_ipc::Message> take_inbox() { return std::exchange(inbox_, {}); }

  // What happened since the last call, in order.
  std::vector<RoleEvent> take_events() { return std::exchange(events_, {}); }

  int control_fd() const;  // -1: nothing to wait for
  int exit_fd() const;
  std::int64_t next_deadline() const;

  const std::string& name() const { return spec_.name; }
  RoleState state() const { return state_; }
  bool ready() const { return state_ == RoleState::kReady; }
  bool reachable() const { return channel_.has_value(); }
  bool serving() const { return ready() || state_ == RoleState::kDraining; }
  std::uint64_t generation() const { return generation_; }  // counts starts
  // For how long it has not answered; 0 for one that is not asked.
  std::int64_t unanswered_ms(std::int64_t now) const {
    return serving() ? liveness_.unanswered_ms(now) : 0;
  }
  bool busy() const { return serving() && busy_; }  // as it last answered
  bool degraded(std::int64_t now) const { return restarts_.degraded(now); }
  std::int64_t restart_in_ms(std::int64_t now) const;
  // Past its deadline: from then on until its process has ended and, where another was started in
  // its place, that one has shown life.
  bool stuck() const;
  bool kill_overdue(std::int64_t now) const;  // killed, and even so still there
  const std::string& last_exit() const { return last_exit_; }
  std::uint64_t ends() const { return ends_; }  // counts processes that ended
  // The last of them was ended by somebody else, neither by its own doing nor by ours.
  bool ended_from_outside() const { return ended_from_outside_; }
  const std::string& progress() const { return progress_; }       // for people
  std::uint64_t progress_done() const { return progress_done_; }  // differs when there was some
  const KeptWeights* weights() const { return weights_ ? &*weights_ : nullptr; }
  std::uint64_t weights_version() const { return weights_version_; }  // counts changes
  const base::Json& report() const { return report_; }                // of the last `ready`
  const base::Json& stats() const { return stats_; }                  // of the last `alive`
  std::int64_t stop_ms() const { return spec_.patience.stop_ms; }
  base::Json serialize(std::int64_t now) const;  // for `redoubt status`

 private:
  // role_messages.cc
  void handle(daemon_ipc::Received received, std::int64_t now);
  void handle_ready(const daemon_ipc::Ready& ready, std::int64_t now);
  void handle_progress(const daemon_ipc::Progress& progress, std::int64_t now);
  void handle_alive(const daemon_ipc::Alive& alive, std::int64_t now);
  void handle_weights(const daemon_ipc::Weights& weights, base::Fd fd, std::int64_t now);

  base::Status launch();
  void set_weights(std::optional<KeptWeights> weights);
  bool watched() const;                               // its liveness is our business
  void fail(std::string_view why, std::int64_t now);  // kills a process that misbehaved
  void kill_process(std::int64_t now);
  void wait_to_restart(std::int64_t now);
  void note_ready();
  void note_end(const std::string& why, bool from_outside,
                std::optional<std::int64_t> restart_in_ms);

  RoleSpec spec_;
  const base::Logger& log_;
  RestartPolicy restarts_;
  Liveness liveness_;
  RoleState state_ = RoleState::kStopped;
  std::optional<Child> child_;
  std::optional<daemon_ipc::Channel> channel_;
  std::optional<daemon_progress::ProgressReader> page_;
  std::optional<KeptWeights> weights_;
  std::uint64_t weights_version_ = 0;
  bool weights_given_ = false;  // to the present process
  bool weights_taken_ = false;  // from it
  bool follows_stuck_ = false;  // the process before it was stuck
  std::uint64_t generation_ = 0;
  std::int64_t started_at_ = 0;
  std::int64_t ready_at_ = 0;                 // 0: not since the last start
  std::int64_t deadline_ = Liveness::kNever;  // of draining, stopping or waiting
  std::int64_t killed_at_ = 0;                // 0: not
  bool held_ = false;     // ended, but a debugger keeps us from collecting it: nothing to wait for
  std::string progress_;  // while starting
  std::uint64_t progress_done_ = 0;
  std::string failure_;  // what we found wrong, before the process has ended
  std::string last_exit_;
  std::uint64_t ends_ = 0;
  bool ended_from_outside_ = false;
  bool renewed_ = false;  // the present process was ended by renew()
  std::vector<daemon_ipc::Message> inbox_;
  std::vector<RoleEvent> events_;  // few: a role does not end more often than it is started
  base::Json report_;
  base::Json stats_;
  std::uint64_t work_ = 0;
  bool busy_ = false;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_ROLE_H_
