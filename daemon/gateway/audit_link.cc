#include "daemon/gateway/audit_link.h"

#include <algorithm>
#include <span>
#include <utility>

#include "daemon/gateway/limits.h"

namespace daemon_gateway {

using base::invalid_input;
using base::Status;

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kPatienceNs = kAuditPatienceMs * kNsPerMs;

std::size_t bytes_of(const AuditReport& report) {
  return report.type.size() + report.body.size() + report.sealed.size();
}

}  // namespace

// ---- the auditor comes and goes -----------------------------------------------------------------

Status AuditLink::connect(std::uint64_t writer, base::Fd channel) {
  if (writer_ != 0 && writer != writer_)
    return invalid_input("the audit channel is for another writer than the one before");
  lose("the auditor was replaced");
  writer_ = writer;
  wants_introduction_ = false;
  channel_.emplace(std::move(channel));
  ++connections_;
  return {};
}

void AuditLink::lose(std::string reason) {
  if (!channel_) return;
  log_.error("audit channel closed",
             {{"why", reason}, {"pending", static_cast<std::int64_t>(kept_.size())}});
  channel_.reset();
  wants_introduction_ = true;
  if (greeted_) lost_ns_ = clock_.monotonic_ns();
  greeted_ = false;
  sent_ = 0;
  piece_bytes_ = 0;
}

// An auditor that is replaced at once is not missed: what is reported meanwhile waits for it.
AuditHealth AuditLink::health() const {
  AuditHealth health{.pending = kept_.size(), .durable_total = through_};
  const std::int64_t now = clock_.monotonic_ns();
  const bool absent = !greeted_ && (!lost_ns_ || now - *lost_ns_ > kPatienceNs);
  if (absent) {
    health.why = "there is no auditor";
  } else if (failing_) {
    health.why = "the audit log cannot be written: " + failing_why_;
  } else if (!kept_.empty() && now - kept_.front().since_ns > kPatienceNs) {
    health.why = "the auditor does not say that records are durable";
  } else {
    health.usable = true;
  }
  return health;
}

// ---- what is reported ---------------------------------------------------------------------------

bool AuditLink::append(AuditReport report, std::shared_ptr<Exchange> waiter) {
  const std::size_t bytes = bytes_of(report);
  const std::size_t room = kAuditKeptBytesMax - std::min(kept_bytes_, kAuditKeptBytesMax);
  if (bytes > room && !report.ends) return false;
  kept_bytes_ += bytes;
  kept_.push_back(
      {through_ + kept_.size() + 1, std::move(report), std::move(waiter), clock_.monotonic_ns()});
  flush();
  return true;
}

void AuditLink::flush() {
  while (channel_ && wants_write()) {
    const Status sent = channel_->send(next_message());
    if (!sent.ok()) {
      if (sent.error().code != base::ErrorCode::kUnavailable) lose(sent.error().message);
      return;
    }
    const Kept& next = kept_[sent_];
    if (piece_bytes_ < next.report.sealed.size()) {
      piece_bytes_ +=
          std::min(next.report.sealed.size() - piece_bytes_, daemon_ipc::kSealedPieceBytesMax);
      continue;
    }
    piece_bytes_ = 0;
    sent_through_ = std::max(sent_through_, next.number);
    ++sent_;
  }
}

daemon_ipc::Message AuditLink::next_message() const {
  const Kept& next = kept_[sent_];
  const auto rest = std::as_bytes(std::span(next.report.sealed)).subspan(piece_bytes_);
  if (rest.empty()) {
    return daemon_ipc::Append{next.number, next.report.prove, next.report.type, next.report.body};
  }
  const auto piece = rest.first(std::min(rest.size(), daemon_ipc::kSealedPieceBytesMax));
  return daemon_ipc::SealedPiece{next.number, {piece.begin(), piece.end()}};
}

// ---- what the auditor says ----------------------------------------------------------------------

void AuditLink::on_ready() {
  receive_some();
  flush();
}

void AuditLink::receive_some() {
  for (std::size_t i = 0; i < kEngineMessagesPerTurn && channel_; ++i) {
    auto received = channel_->receive();
    if (!received.ok()) return lose(received.error().message);
    if (!received.value()) return;
    if (received.value()->fd.is_open()) return lose("sent a descriptor");
    const Status taken = take(std::move(received.value()->message));
    if (!taken.ok()) lose(taken.error().message);
  }
}

Status AuditLink::take(daemon_ipc::Message message) {
  if (const auto* appended = std::get_if<daemon_ipc::Appended>(&message))
    return take_appended(appended->through);
  if (!greeted_) return invalid_input("a message before the first appended");
  if (auto* proof = std::get_if<daemon_ipc::Proof>(&message)) return take_proof(std::move(*proof));
  auto* state = std::get_if<daemon_ipc::AuditState>(&message);
  if (state == nullptr) return invalid_input("a message that is not the auditor's to send");
  const bool failing = state->condition == daemon_ipc::AuditCondition::kFailing;
  if (failing != failing_) {
    log_.error(failing ? "ALARM: the audit log cannot be written, no request is taken"
                       : "the audit log can be written again",
               {{"why", state->text}});
  }
  failing_ = failing;
  failing_why_ = std::move(state->text);
  return {};
}

// What was acknowledged once is not kept here any more, so an auditor that has less has lost it.
Status AuditLink::take_appended(std::uint64_t through) {
  if (through < through_) {
    forgotten_ = true;
    return invalid_input("the auditor has lost records that were durable");
  }
  const std::uint64_t sent = greeted_ ? through_ + sent_ : sent_through_;
  if (through > sent) return invalid_input("appended what was not sent");
  acknowledge(through);
  greeted_ = true;
  return {};
}

void AuditLink::acknowledge(std::uint64_t through) {
  while (through_ < through) {
    Kept first = std::move(kept_.front());
    kept_.pop_front();
    kept_bytes_ -= bytes_of(first.report);
    through_ = first.number;
    if (sent_ > 0) --sent_;
    if (first.waiter != nullptr)
      first.waiter->push_recorded({.durable = true, .proof = std::move(first.proof)});
  }
}

Status AuditLink::take_proof(daemon_ipc::Proof proof) {
  if (proof.number <= through_ || proof.number - through_ > sent_)
    return invalid_input("a proof out of turn");
  Kept& proven = kept_[proof.number - through_ - 1];
  if (!proven.report.prove || proven.proof) return invalid_input("a proof that nobody wants");
  proven.proof = std::move(proof);
  return {};
}

}  // namespace daemon_gateway
