// The gateway's end of the audit channel (daemon/PROTOCOL.md section 9): numbers what is reported,
// keeps it until the auditor says that it is durable, and says it again to the next auditor.
// Belongs to the event loop's thread; never blocks.
#ifndef DAEMON_GATEWAY_AUDIT_LINK_H_
#define DAEMON_GATEWAY_AUDIT_LINK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "daemon/gateway/audit_sink.h"
#include "daemon/ipc/channel.h"
#include "hardening/base/clock.h"
#include "hardening/base/log.h"

namespace daemon_gateway {

class AuditLink final : public AuditSink {
 public:
  // Both outlive this.
  AuditLink(const base::Clock& clock, const base::Logger& log) : clock_(clock), log_(log) {}

  // A new channel to the auditor, the same one or its successor. kInvalidInput: it is for another
  // writer than we are.
  base::Status connect(std::uint64_t writer, base::Fd channel);

  bool append(AuditReport report, std::shared_ptr<Exchange> waiter) override;
  AuditHealth health() const override;

  // An auditor came that knows less of us than was durable once: it has another log, in which this
  // writer cannot go on. A gateway that is started anew can.
  bool forgotten() const { return forgotten_; }

  // To be polled; -1 while there is no auditor.
  int fd() const { return channel_ ? channel_->fd() : -1; }
  bool wants_write() const { return greeted_ && sent_ < kept_.size(); }
  // Counts connect(): a new channel may have the number of the old one.
  std::uint64_t connections() const { return connections_; }
  // Once for each channel that was lost: the supervisor is to be asked for another, in case the
  // auditor is still there.
  bool take_wish_for_introduction() { return std::exchange(wants_introduction_, false); }
  // The channel cannot be used.
  void abandon(std::string reason) { lose(std::move(reason)); }
  // Poll says something happened: receives all that waits, sends what fits.
  void on_ready();

 private:
  struct Kept {
    std::uint64_t number = 0;
    AuditReport report;
    std::shared_ptr<Exchange> waiter;
    std::int64_t since_ns = 0;
    std::optional<daemon_ipc::Proof> proof = {};
  };

  void receive_some();
  base::Status take(daemon_ipc::Message message);
  base::Status take_appended(std::uint64_t through);
  base::Status take_proof(daemon_ipc::Proof proof);
  void acknowledge(std::uint64_t through);
  void flush();
  daemon_ipc::Message next_message() const;
  void lose(std::string reason);

  const base::Clock& clock_;
  const base::Logger& log_;
  std::optional<daemon_ipc::Channel> channel_;
  std::uint64_t writer_ = 0;  // 0: not known yet
  std::uint64_t connections_ = 0;
  bool wants_introduction_ = false;
  bool greeted_ = false;                 // the auditor has said where it is
  std::optional<std::int64_t> lost_ns_;  // the last auditor, at that time
  bool forgotten_ = false;
  bool failing_ = false;  // by its own word
  std::string failing_why_;

  std::deque<Kept> kept_;  // numbers through_ + 1 and up
  std::size_t kept_bytes_ = 0;
  std::size_t sent_ = 0;         // of them, on this channel
  std::size_t piece_bytes_ = 0;  // of the next one's sealed text, likewise
  std::uint64_t through_ = 0;
  std::uint64_t sent_through_ = 0;  // on any channel
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_AUDIT_LINK_H_
