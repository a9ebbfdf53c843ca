// The auditor's end of one channel to a writer of the log: its numbers without a gap, the pieces of
// a sealed text put together, what it is told kept until it takes it. Knows nothing of the log.
#ifndef DAEMON_AUDITOR_WRITER_LINK_H_
#define DAEMON_AUDITOR_WRITER_LINK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "daemon/audit/log/audit_log.h"
#include "daemon/ipc/channel.h"
#include "hardening/base/result.h"

namespace daemon_auditor {

class WriterLink {
 public:
  WriterLink(daemon_audit::Reporter reporter, std::uint64_t writer, daemon_ipc::Channel channel)
      : reporter_(reporter), writer_(writer), channel_(std::move(channel)) {}

  std::uint64_t writer() const { return writer_; }
  int fd() const { return channel_.fd(); }

  // The first word: its next report is number `through` + 1.
  void begin(std::uint64_t through);
  // Likewise later, where more is durable than it was told.
  void acknowledge(std::uint64_t through);
  void prove(daemon_audit::Proven proven);
  void say(daemon_ipc::Message message);

  // Of daemon_ipc::Channel::receive(), but with what a peer said that ended without hearing us.
  base::Result<std::optional<daemon_ipc::Received>> receive();
  struct Taken {
    daemon_audit::Report report;
    std::size_t body_bytes = 0;
  };
  // A message of a writer; nothing when no report is complete with it. An error is a breach.
  base::Result<std::optional<Taken>> take(daemon_ipc::Message message);

  // Sends what the channel takes. kExhausted: it does not read. One that is gone is told nothing
  // any more, but what it said before that is still to be read.
  base::Status flush();
  // It was told nothing since a message could not be sent.
  bool deaf() const { return deaf_; }
  bool wants_write() const { return !outbox_.empty(); }
  // Answers wait, or will: nothing more is to be read from it until it has taken them.
  bool saturated() const;
  std::size_t sealed_bytes() const { return sealed_.size(); }  // of a text that is not complete

  // Nothing more is to come of it.
  void end() { ended_ = true; }
  bool ended() const { return ended_; }

 private:
  base::Result<std::optional<Taken>> take_append(const daemon_ipc::Append& append);
  base::Status take_piece(const daemon_ipc::SealedPiece& piece);
  base::Status check_number(std::uint64_t number) const;
  base::Status check_pair(const daemon_audit::Report& report);

  daemon_audit::Reporter reporter_;
  std::uint64_t writer_;
  daemon_ipc::Channel channel_;
  std::deque<daemon_ipc::Message> outbox_;
  std::uint64_t next_ = 1;     // the number of its next report
  std::uint64_t through_ = 0;  // what it was told
  std::size_t proofs_due_ = 0;
  std::string sealed_;
  std::unordered_set<std::string> open_requests_;  // as far as this channel has told of them
  bool told_all_ = false;  // there was nothing to tell of before this channel
  bool deaf_ = false;
  bool reset_ = false;
  bool ended_ = false;
};

}  // namespace daemon_auditor

#endif  // DAEMON_AUDITOR_WRITER_LINK_H_
