#include "daemon/auditor/writer_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <variant>

#include "daemon/auditor/limits.h"
#include "daemon/auditor/report_check.h"

namespace daemon_auditor {

using base::Status;

void WriterLink::begin(std::uint64_t through) {
  through_ = through;
  next_ = through + 1;
  told_all_ = through == 0;
  say(daemon_ipc::Appended{through});
}

void WriterLink::acknowledge(std::uint64_t through) {
  // A failure that is over may have made durable what a former channel brought: that is
  // acknowledged when it has been said again here.
  through = std::min(through, next_ - 1);
  if (through + 1 == next_) proofs_due_ = 0;
  if (through <= through_) return;
  through_ = through;
  say(daemon_ipc::Appended{through});
}

void WriterLink::prove(daemon_audit::Proven proven) {
  if (proofs_due_ > 0) --proofs_due_;
  // Whoever wants a proof of such a record has it from the log.
  if (proven.record.size() > daemon_ipc::kProvenRecordBytesMax) return;
  say(daemon_ipc::Proof{proven.number, proven.index, std::move(proven.record),
                        std::move(proven.proof)});
}

// The kernel tells of a reset (unix(7): a peer that closes with words of ours unread) before what
// the peer said last, and only once.
base::Result<std::optional<daemon_ipc::Received>> WriterLink::receive() {
  auto received = channel_.receive();
  if (received.ok() || received.error().sys_errno != EPIPE || reset_) return received;
  reset_ = true;
  return channel_.receive();
}

base::Result<std::optional<WriterLink::Taken>> WriterLink::take(daemon_ipc::Message message) {
  if (const auto* append = std::get_if<daemon_ipc::Append>(&message)) return take_append(*append);
  if (const auto* piece = std::get_if<daemon_ipc::SealedPiece>(&message)) {
    TRY(take_piece(*piece));
    return std::optional<Taken>();
  }
  return base::invalid_input(
      fmt::format("{}: not for a writer of the log to send",
                  daemon_ipc::message_name(daemon_ipc::message_type(message))));
}

base::Result<std::optional<WriterLink::Taken>> WriterLink::take_append(
    const daemon_ipc::Append& append) {
  TRY(check_number(append.number).context("append"));
  Taken taken;
  taken.body_bytes = append.body.size();
  taken.report =
      TRY(check_report(reporter_, writer_, append, std::exchange(sealed_, std::string())));
  TRY(check_pair(taken.report));
  ++next_;
  if (append.prove) ++proofs_due_;
  return std::optional<Taken>(std::move(taken));
}

// Each admission has one end: a reader of the log relies on it, whatever becomes of the gateway.
Status WriterLink::check_pair(const daemon_audit::Report& report) {
  const bool admitted = report.type == "request.admitted";
  if (!admitted && report.type != "request.finished") return {};
  const std::string& request = report.body.find("request")->as_string();
  if (!admitted) {
    if (open_requests_.erase(request) == 1 || !told_all_) return {};
    return base::invalid_input("append: a request is finished that was not admitted");
  }
  if (open_requests_.size() == kOpenRequestsMax) {
    return base::exhausted(
        fmt::format("append: {} requests are admitted and not finished", kOpenRequestsMax));
  }
  if (open_requests_.insert(request).second) return {};
  return base::invalid_input("append: a request is admitted that was admitted before");
}

Status WriterLink::take_piece(const daemon_ipc::SealedPiece& piece) {
  TRY(check_number(piece.number).context("sealed_piece"));
  if (piece.bytes.size() > daemon_audit::kSealedBytesMax - sealed_.size()) {
    return base::exhausted(
        fmt::format("sealed_piece: more than {} bytes together", daemon_audit::kSealedBytesMax));
  }
  sealed_.append(reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size());
  return {};
}

Status WriterLink::check_number(std::uint64_t number) const {
  if (number == next_) return {};
  return base::invalid_input(fmt::format("number {} where {} is due", number, next_));
}

void WriterLink::say(daemon_ipc::Message message) {
  if (!deaf_) outbox_.push_back(std::move(message));
}

Status WriterLink::flush() {
  while (!outbox_.empty()) {
    const Status sent = channel_.send(outbox_.front());
    if (sent.ok()) {
      outbox_.pop_front();
    } else if (sent.error().code == base::ErrorCode::kUnavailable) {
      break;
    } else {
      deaf_ = true;
      outbox_.clear();
    }
  }
  if (outbox_.size() <= kOutboxMax) return {};
  return base::exhausted(fmt::format("it does not read: {} messages wait for it", outbox_.size()));
}

bool WriterLink::saturated() const {
  return !outbox_.empty() || proofs_due_ >= kProofsWaitingMax;
}

}  // namespace daemon_auditor
