// The supervisor's own records on their way into the audit log: numbered, kept until the auditor
// says that they are durable, said again to the next auditor (daemon/PROTOCOL.md section 9).
#ifndef DAEMON_SUPERVISOR_AUDIT_WRITER_H_
#define DAEMON_SUPERVISOR_AUDIT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "daemon/ipc/messages.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_supervisor {

// A name for one incarnation of a writer, for ever: random, neither 0 nor `other`, and small enough
// for an integer of JSON.
std::uint64_t make_writer(std::uint64_t other = 0);

// A record's body as the auditor takes it, canonical: integers beyond ±(2^53 − 1) become texts,
// bytes that are not UTF-8 are replaced, and of what is too long the large objects are left out.
base::Result<std::string> fit_body(base::Json body);

// Times are milliseconds of a monotonic clock. One thread.
class AuditWriter {
 public:
  // Unacknowledged: kept, and of them on their way. What comes when they are reached is counted.
  static constexpr std::size_t kKeptMax = 4'096;
  static constexpr std::size_t kKeptBytesMax = std::size_t{16} << 20;
  static constexpr std::size_t kSentBytesMax = std::size_t{1} << 20;
  static constexpr std::size_t kOverheadBytes = 256;  // of a record, beside its body

  // The record's number; 0: there is no room for it. When there is again, a record before the next
  // says how many were lost.
  std::uint64_t report(std::string_view type, base::Json body);

  // A fresh auditor: nothing is sent before it has said where it is.
  void restart();
  // kInvalidInput: it says what cannot be.
  base::Status appended(std::uint64_t through, std::int64_t now);
  // Sends what was not sent yet; `offer` says false when the channel is full.
  void send(const std::function<bool(const daemon_ipc::Append&)>& offer, std::int64_t now);

  bool durable(std::uint64_t number) const { return number <= through_; }
  bool all_durable() const { return kept_.empty(); }
  std::size_t waiting() const { return kept_.size(); }
  // For how long the present auditor has owed an acknowledgement; 0: it owes none.
  std::int64_t unacknowledged_ms(std::int64_t now) const {
    return sent_ > through_ && introduced_ ? now - owed_since_ : 0;
  }

 private:
  struct Kept {
    std::string type;
    std::string body;
  };
  void keep(std::string_view type, std::string body);

  std::deque<Kept> kept_;  // numbers through_ + 1 and up
  std::size_t kept_bytes_ = 0;
  std::size_t sent_bytes_ = 0;
  std::uint64_t through_ = 0;
  std::uint64_t sent_ = 0;   // to the present auditor
  bool introduced_ = false;  // it has said where it is
  std::int64_t owed_since_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_AUDIT_WRITER_H_
