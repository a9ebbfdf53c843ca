// What the auditor does once it runs, turn by turn; apart from the role so that it can be tested
// over socketpairs.
//
// A turn: take what waits on all channels, write it down as one batch, answer, then do what the log
// has left to tidy. What comes in during an fsync is so the next batch, and a busy log needs fewer
// of them for the same records.
#ifndef DAEMON_AUDITOR_AUDITOR_H_
#define DAEMON_AUDITOR_AUDITOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/audit/log/audit_log.h"
#include "daemon/auditor/log_health.h"
#include "daemon/auditor/waiting_reports.h"
#include "daemon/auditor/writer_link.h"
#include "hardening/base/clock.h"
#include "hardening/base/json.h"
#include "hardening/base/log.h"
#include "hardening/base/result.h"

namespace daemon_auditor {

class Auditor {
 public:
  struct Parts {
    std::unique_ptr<daemon_audit::AuditLog> log;  // null: it was refused, until somebody repairs it
    std::string refusal;                          // why
    const base::Clock& clock;
    const base::Logger& logger;
  };

  // `supervisor`: the writer at the other end of the control channel.
  Auditor(Parts parts, daemon_ipc::Channel control, std::uint64_t supervisor);

  // Says `ready` with that report, and serves until the control channel ends; then what waits is
  // written down and the log closed. Fails with what broke the control channel, or with what the
  // log could not keep at the end.
  base::Status run(const base::Json& report);

 private:
  base::Status wait();
  int patience_ms() const;

  // auditor_channels.cc
  base::Status read_control();
  base::Status take_control(daemon_ipc::Received received);
  void answer_ping();
  void cosign(const daemon_ipc::Cosign& cosign);
  base::Status connect(std::uint64_t writer, base::Fd channel);
  void greet(WriterLink& link);
  bool may_read(const WriterLink& link) const;
  std::size_t sealed_bytes() const;  // that wait, or are still coming in
  std::size_t read_writers();        // how many messages there were
  std::size_t read_writer(WriterLink& link);
  base::Status take_report(WriterLink& link, daemon_ipc::Message message);
  void part_with(WriterLink& link, const base::Error& why);
  void remove_ended();
  base::Status flush();
  WriterLink* find_link(std::uint64_t writer);

  void write_down();
  base::Status write_all();
  base::Status append_waiting();
  void send_proofs(std::vector<daemon_audit::Proven> proven);
  void acknowledge();
  base::Status forget_former();
  base::Status append_resumed();
  void fail(const base::Error& why);
  void recover();
  void tell_state();
  void tend(bool idle);
  void publish(std::int64_t now_ns);
  base::Status finish();

  Parts parts_;
  std::uint64_t supervisor_;
  WriterLink control_;
  bool control_ended_ = false;
  std::vector<std::unique_ptr<WriterLink>> writers_;
  std::uint64_t gateway_ = 0;   // whose channel came last; 0: none yet
  bool former_remain_ = false;  // perhaps writers of the log that are neither it nor the supervisor
  WaitingReports waiting_;
  LogHealth health_;
  std::uint64_t resumed_number_ = 0;  // of the record that the present failure will end with
  bool untidy_ = true;
  bool publishes_ = true;  // the last attempt did not fail
  std::int64_t tidied_ns_ = 0;
  std::int64_t published_ns_ = 0;
  std::uint64_t records_ = 0;  // reports appended
  std::uint64_t batches_ = 0;
};

}  // namespace daemon_auditor

#endif  // DAEMON_AUDITOR_AUDITOR_H_
