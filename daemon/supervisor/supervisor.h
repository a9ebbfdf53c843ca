// Keeps the roles running: starts them, introduces gateway and engine and auditor to each other,
// restarts what fails, lets one model take the place of another, tells systemd and the audit log,
// answers `redoubt status`, and ends everything in order. One thread; it never sees a byte of a
// client.
//
// Mostly there is one engine. While another model is activated there is a candidate beside it,
// which nobody is told of before it is ready; then it is the engine, and the former one retires: it
// stays a role like any other until the gateway has no request for it left.
#ifndef DAEMON_SUPERVISOR_SUPERVISOR_H_
#define DAEMON_SUPERVISOR_SUPERVISOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/supervisor/act_spool.h"
#include "daemon/supervisor/audit_health.h"
#include "daemon/supervisor/audit_writer.h"
#include "daemon/supervisor/control_socket.h"
#include "daemon/supervisor/engine_seat.h"
#include "daemon/supervisor/gpu_watch.h"
#include "daemon/supervisor/model_change.h"
#include "daemon/supervisor/models.h"
#include "daemon/supervisor/notifier.h"
#include "daemon/supervisor/quarantine.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/role.h"
#include "hardening/base/clock.h"
#include "hardening/base/fd.h"
#include "hardening/base/json.h"
#include "hardening/base/log.h"

namespace daemon_supervisor {

// What the audit log needs.
struct AuditParts {
  RoleSpec auditor;
  std::uint64_t writer = 0;            // that we are, as the auditor's configuration says
  base::Fd directory;                  // STATE/audit; the auditor's spec borrows it
  std::string acts;                    // STATE/acts
  std::function<base::Json()> config;  // path and digest of the configuration as last read
};

// What looking after GPUs needs.
struct GpuParts {
  RoleSpec health;
  GpuWatch watch;
  std::string records;  // STATE/gpus.json
};

struct SupervisorParts {
  RoleSpec gateway;
  EngineModel engine;
  Models* models = nullptr;  // outlives the supervisor
  base::Fd signals;          // see signals.h
  ControlSocket control_socket;
  base::Json facts;       // an object: version, listeners; for `redoubt status`
  std::string listeners;  // the same for people: "0.0.0.0:8443"
  std::function<std::uint32_t()> drain_timeout_ms;
  Reload::Read read_again;             // for SIGHUP
  std::optional<KeptWeights> weights;  // that systemd kept
  std::vector<std::string> useless;    // names of what it need not keep
  AuditParts audit;
  std::optional<GpuParts> gpus = std::nullopt;  // nothing: nobody looks after any
};

class Supervisor {
 public:
  // `log` and `clock` outlive this.
  Supervisor(SupervisorParts parts, const base::Logger& log, const base::Clock& clock);

  // Until SIGTERM or SIGINT. All children have ended when it returns, but for one that SIGKILL
  // cannot end.
  void run();

 private:
  enum class Phase : std::uint8_t {
    kRunning,
    kDrainingGateway,
    kStoppingEngine,
    kStoppingAuditor,
    kStopped
  };

  std::int64_t now() const { return clock_.monotonic_ns() / 1'000'000; }
  void take_turn(std::int64_t now_ms);
  std::int64_t wait_for_events(std::int64_t now_ms);  // the longest it meant to wait
  void handle_signals(std::int64_t now_ms);
  std::uint64_t begin_reload(std::string why, std::int64_t now_ms);
  bool anything_stuck() const;
  std::vector<Role*> roles();
  std::vector<const Role*> roles() const;
  void begin_stop(std::string_view reason, std::int64_t now_ms);
  void advance_stop(std::int64_t now_ms);
  void stop_auditor(std::int64_t now_ms);

  // supervisor_roles.cc: what passes between the roles
  std::vector<EngineSeat*> linked_engines() const;  // the gateway may know them
  bool introducible(const EngineSeat& engine) const;
  bool introduced(const EngineSeat& engine) const;
  void introduce(EngineSeat& engine, std::int64_t now_ms);
  std::int64_t next_introduction(const EngineSeat& engine) const;
  daemon_ipc::EngineState state_of(const EngineSeat& engine, std::int64_t now_ms) const;
  void tell_engine_state(EngineSeat& engine, std::int64_t now_ms);
  void tell_engine_ended(EngineSeat& engine, std::int64_t now_ms);
  void tell_gateway(std::int64_t now_ms);
  void hear_roles(std::int64_t now_ms);
  void hear_engine(EngineSeat& engine, std::int64_t now_ms);
  void hear_gateway(const daemon_ipc::Message& message, std::int64_t now_ms);
  void hear_retiring(const daemon_ipc::Retiring& retiring, std::int64_t now_ms);
  void tell_quarantine(std::int64_t now_ms);

  // supervisor_models.cc: one model in place of another
  base::Result<std::uint64_t> activate(const std::string& id, bool restart, std::int64_t now_ms);
  base::Status may_activate(const std::string& id, std::int64_t now_ms) const;
  base::Result<std::uint64_t> roll_back(bool restart, std::int64_t now_ms);
  void advance_models(std::int64_t now_ms);
  void advance_candidate(std::int64_t now_ms);
  void advance_engine(std::int64_t now_ms);
  void advance_retiring(std::int64_t now_ms);
  std::string end_of_trial(EngineSeat& engine);
  base::Status settle(EngineSeat& engine);
  void switch_engines(std::int64_t now_ms);
  void replace_engine(const std::string& why, std::int64_t now_ms);
  void fall_back(std::int64_t now_ms);
  void dismiss(std::unique_ptr<EngineSeat> engine, std::int64_t now_ms);
  void forgive_trial();

  // supervisor_audit.cc: the auditor, and what the audit log is told
  bool introducible_auditor() const;
  bool introduced_auditor() const;
  std::int64_t next_audit_introduction() const;
  void introduce_auditor(std::int64_t now_ms);
  void hear_auditor(std::int64_t now_ms);
  void hear_cosigned(const daemon_ipc::Cosigned& cosigned);
  void report(std::string_view type, base::Json body);
  void report_start();
  void report_model(std::string_view type, const EngineModel& model, std::string_view why);
  void report_change(std::string_view what, std::string_view from, std::string_view to,
                     std::string_view why);
  void report_reloads();
  void report_roles();
  void watch_health(std::int64_t now_ms);
  void watch_disk();
  AuditHealth::Seen see_audit(std::int64_t now_ms) const;
  void advance_audit(std::int64_t now_ms);
  std::size_t take_acts();
  base::Json audit_report() const;
  std::optional<std::string> answer_cosign(std::string_view note, std::uint64_t& ticket,
                                           std::int64_t now_ms);

  // supervisor_gpus.cc: the health role, and what follows from what it says
  void hear_health(std::int64_t now_ms);
  void hear_gpus_in_use(EngineSeat& engine, const daemon_ipc::GpusInUse& named,
                        std::int64_t now_ms);
  void watch_engines(std::int64_t now_ms);
  void watch_end(EngineSeat& engine, std::int64_t now_ms);
  void advance_gpus(std::int64_t now_ms);
  void exclude_gpus(std::int64_t now_ms);
  void carry_out(const GpuWatch::Order& order, std::int64_t now_ms);
  void report_verdicts();
  void keep_gpu_records(std::int64_t now_ms);
  void tell_gateway_of_gpus(std::int64_t now_ms);
  std::string gpu_alarm(std::int64_t now_ms) const;  // empty: none
  std::string answer_gpu_clear(std::string_view uuid, std::int64_t now_ms);

  // supervisor_report.cc: what others are told
  void tell_systemd(std::int64_t now_ms);
  void keep_weights();
  std::string status_line(std::int64_t now_ms) const;
  std::string_view state_name(std::int64_t now_ms) const;
  std::optional<std::string> answer(std::string_view request, std::uint64_t& ticket,
                                    std::uint32_t uid, std::int64_t now_ms);
  std::optional<std::string> answer_reload(std::uint64_t& ticket, std::uint32_t uid,
                                           std::int64_t now_ms);
  base::Json status_report(std::int64_t now_ms) const;
  base::Json activation_report() const;
  std::string answer_activation(const base::Result<std::uint64_t>& number) const;

  const base::Logger& log_;
  const base::Clock& clock_;
  SupervisorParts parts_;
  Role auditor_;
  Role gateway_;
  std::unique_ptr<EngineSeat> engine_;
  std::unique_ptr<EngineSeat> candidate_;  // null mostly, as the next
  std::unique_ptr<EngineSeat> retiring_;
  std::vector<std::unique_ptr<EngineSeat>> dismissed_;  // until their processes have ended
  Notifier notifier_;
  Reload reload_;
  Quarantine quarantine_;
  Phase phase_ = Phase::kRunning;
  std::int64_t started_at_ = 0;
  ModelChange change_;
  // Requests the gateway still has for the retiring engine; nothing said of it yet: the new one
  // does not serve yet.
  std::optional<std::uint32_t> retiring_requests_;
  std::int64_t retire_by_ = 0;
  bool engine_was_ready_ = false;  // some engine was, since we run
  // Which incarnation was told of the quarantine, and how far.
  std::uint64_t quarantine_gateway_ = 0;
  std::uint64_t quarantine_place_ = 0;
  std::uint64_t announced_progress_ = 0;
  // Of the engine's weights, as systemd keeps them; nothing: those of another engine, if any.
  std::optional<std::uint64_t> kept_version_;

  // The audit log.
  struct AuditLink {
    std::uint64_t gateway = 0;  // which incarnations hold the two ends of one channel
    std::uint64_t auditor = 0;
    std::uint64_t writer = 0;          // what the log calls the gateway …
    std::uint64_t writer_gateway = 0;  // … of this incarnation
    std::int64_t introduced_at = 0;
    bool lost = false;  // one of the two says that their channel is of no more use
  };
  struct PendingCosign {
    std::uint64_t ticket = 0;
    std::uint64_t auditor = 0;  // the incarnation that was asked
    std::string answer;         // empty: none yet
  };
  AuditWriter audit_;
  AuditLink audit_link_;
  AuditHealth audit_health_;
  std::optional<daemon_ipc::AuditState> auditor_says_;  // the present auditor
  std::uint64_t heard_auditor_ = 0;                     // its incarnation
  std::string auditor_rejected_;                        // why the log cannot be opened
  DiskLevel disk_;
  std::optional<DiskLevel::Usage> disk_usage_;
  ActSpool acts_;
  std::int64_t look_again_at_ = 0;  // at the disk and the acts
  std::string told_state_ = "starting";
  std::vector<std::string> told_degraded_;  // names of roles
  std::vector<PendingCosign> cosigns_;
  std::uint64_t cosign_tickets_ = 0;
  std::int64_t stop_auditor_at_ = 0;
  // GPUs; both are there, or neither is.
  std::optional<Role> health_;
  std::optional<GpuWatch> gpus_;
  std::uint64_t excluded_version_ = 0;  // of which engines' configurations know
  GpuWatch::Order pending_order_;       // until the engine is idle, or
  std::int64_t replace_engine_by_ = 0;  // this late
  std::string told_gpu_trouble_;
  std::uint64_t gpu_rounds_ = 0;       // snapshots that were heard …
  std::uint64_t told_gpu_rounds_ = 0;  // … and of which the gateway knows
  std::uint64_t told_gpu_gateway_ = 0;
  std::int64_t write_gpus_again_at_ = 0;
  bool gpus_written_ = true;  // the last time
  // Who asked for the reload, the activation, that is under way.
  std::string reload_why_;
  std::string asked_by_;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_SUPERVISOR_H_
