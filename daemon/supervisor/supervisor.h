// Keeps the roles running: starts them, introduces gateway and engine to each other, restarts what
// fails, tells systemd, answers `redoubt status`, and ends everything in order. One thread; it
// never sees a byte of a client.
#ifndef DAEMON_SUPERVISOR_SUPERVISOR_H_
#define DAEMON_SUPERVISOR_SUPERVISOR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/supervisor/control_socket.h"
#include "daemon/supervisor/notifier.h"
#include "daemon/supervisor/quarantine.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/role.h"
#include "hardening/base/clock.h"
#include "hardening/base/fd.h"
#include "hardening/base/json.h"
#include "hardening/base/log.h"

namespace daemon_supervisor {

struct SupervisorParts {
  RoleSpec gateway;
  RoleSpec engine;
  base::Fd signals;  // see signals.h
  ControlSocket control_socket;
  base::Json facts;     // an object: version, model, listeners; for `redoubt status`
  std::string summary;  // one line for systemd: what is served where
  std::function<std::uint32_t()> drain_timeout_ms;
  Reload::Read read_again;             // for SIGHUP
  std::optional<KeptWeights> weights;  // that systemd kept
  std::vector<std::string> useless;    // names of what it need not keep
};

class Supervisor {
 public:
  // `log` and `clock` outlive this.
  Supervisor(SupervisorParts parts, const base::Logger& log, const base::Clock& clock);

  // Until SIGTERM or SIGINT. All children have ended when it returns, but for one that SIGKILL
  // cannot end.
  void run();

 private:
  enum class Phase : std::uint8_t { kRunning, kDrainingGateway, kStoppingEngine, kStopped };

  std::int64_t now() const { return clock_.monotonic_ns() / 1'000'000; }
  void take_turn(std::int64_t now_ms);
  std::int64_t wait_for_events(std::int64_t now_ms);  // the longest it meant to wait
  void handle_signals(std::int64_t now_ms);
  std::uint64_t begin_reload(std::int64_t now_ms);
  bool anything_stuck() const { return gateway_.stuck() || engine_.stuck(); }
  void begin_stop(std::int64_t now_ms);
  void advance_stop(std::int64_t now_ms);

  // supervisor_roles.cc: what passes between the roles
  bool introducible() const;
  bool introduced() const;
  void introduce_roles(std::int64_t now_ms);
  std::int64_t next_introduction() const;
  void tell_engine_state(std::int64_t now_ms);
  void tell_engine_ended(std::int64_t now_ms);
  void hear_roles(std::int64_t now_ms);
  void hear_gateway(const daemon_ipc::Message& message, std::int64_t now_ms);
  void tell_quarantine(std::int64_t now_ms);

  // supervisor_report.cc: what others are told
  void tell_systemd(std::int64_t now_ms);
  void keep_weights();
  std::string status_line(std::int64_t now_ms) const;
  std::string_view state_name(std::int64_t now_ms) const;
  std::optional<std::string> answer(std::string_view request, std::uint64_t& ticket,
                                    std::int64_t now_ms);
  base::Json status_report(std::int64_t now_ms) const;

  const base::Logger& log_;
  const base::Clock& clock_;
  SupervisorParts parts_;
  Role gateway_;
  Role engine_;
  Notifier notifier_;
  Reload reload_;
  Quarantine quarantine_;
  Phase phase_ = Phase::kRunning;
  std::int64_t started_at_ = 0;
  // Which incarnations hold the two ends of one channel.
  std::uint64_t introduced_gateway_ = 0;
  std::uint64_t introduced_engine_ = 0;
  std::int64_t tried_to_introduce_at_ = 0;
  bool peer_lost_ = false;  // one of the two says that their channel is of no more use
  // What the present gateway was last told of the engine.
  std::uint64_t told_gateway_ = 0;
  std::string told_state_;
  std::uint64_t told_ends_ = 0;
  bool engine_was_ready_ = false;  // some engine was, since we run
  // Which incarnation was told of the quarantine, and how far.
  std::uint64_t quarantine_gateway_ = 0;
  std::uint64_t quarantine_place_ = 0;
  std::uint64_t announced_progress_ = 0;
  std::uint64_t kept_version_ = 0;  // of the engine's weights, as systemd keeps them
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_SUPERVISOR_H_
