#include "tests/daemon/gateway/fake_auditor.h"

#include <poll.h>

#include <chrono>
#include <utility>

#include "daemon/auditor/report_check.h"

namespace daemon_gateway {

std::vector<AuditorLog::Entry> AuditorLog::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

std::vector<AuditorLog::Entry> AuditorLog::of_type(const std::string& type) const {
  std::vector<Entry> some;
  for (Entry& entry : entries()) {
    if (entry.type == type) some.push_back(std::move(entry));
  }
  return some;
}

void AuditorLog::append(Entry entry) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::move(entry));
}

FakeAuditor::FakeAuditor(base::Fd channel, AuditorLog& log)
    : channel_(std::move(channel)),
      log_(log),
      next_(log.through() + 1),
      thread_([this] { run(); }) {}

FakeAuditor::~FakeAuditor() {
  stopping_ = true;
  thread_.join();
}

std::string FakeAuditor::breach() const {
  const std::lock_guard lock(mutex_);
  return breach_;
}

void FakeAuditor::note(std::string breach) {
  const std::lock_guard lock(mutex_);
  if (breach_.empty()) breach_ = std::move(breach);
}

void FakeAuditor::say_failing(bool failing, const std::string& why) {
  const std::lock_guard lock(mutex_);
  why_ = why;
  failing_ = failing ? 1 : 0;
}

void FakeAuditor::send(const daemon_ipc::Message& message) {
  while (!stopping_) {
    const auto sent = channel_.send(message);
    if (sent.ok() || sent.error().code != base::ErrorCode::kUnavailable) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void FakeAuditor::run() {
  send(daemon_ipc::Appended{log_.through()});
  send(daemon_ipc::AuditState{});
  while (!stopping_) {
    pollfd ready{channel_.fd(), POLLIN, 0};
    ::poll(&ready, 1, 1);
    for (;;) {
      auto received = channel_.receive();
      if (!received.ok()) return;
      if (!received.value()) break;
      take(std::move(received.value()->message));
    }
    if (failing_said_ != failing_) {
      failing_said_ = failing_;
      const std::lock_guard lock(mutex_);
      send(daemon_ipc::AuditState{failing_said_ == 1 ? daemon_ipc::AuditCondition::kFailing
                                                     : daemon_ipc::AuditCondition::kAppending,
                                  why_});
    }
    if (!held_) append_waiting();
  }
}

void FakeAuditor::take(daemon_ipc::Message message) {
  if (const auto* piece = std::get_if<daemon_ipc::SealedPiece>(&message)) {
    if (piece->number != next_) return note("a piece of another record than the next");
    pieces_.append(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
    return;
  }
  auto* append = std::get_if<daemon_ipc::Append>(&message);
  if (append == nullptr) return note("a message that is not a writer's");
  if (append->number != next_) return note("a gap in the numbers, or one said again");
  ++next_;
  // As the real one judges it.
  auto report = daemon_auditor::check_report(daemon_audit::Reporter::kGateway, 1, *append,
                                             std::exchange(pieces_, {}));
  if (!report.ok()) return note(report.error().message);
  waiting_.push_back({append->number, append->type, std::move(report.value().body),
                      std::move(report.value().sealed), append->prove});
  ++received_;
  waiting_count_ = waiting_.size();
}

void FakeAuditor::append_waiting() {
  if (waiting_.empty()) return;
  for (AuditorLog::Entry& entry : waiting_) {
    const std::uint64_t number = entry.number;
    const std::string record = "record " + std::to_string(number);
    const bool prove = entry.prove;
    log_.append(std::move(entry));
    if (prove && !silent_)
      send(daemon_ipc::Proof{number, number - 1, record, "proof of " + record});
  }
  waiting_.clear();
  waiting_count_ = 0;
  if (!silent_) send(daemon_ipc::Appended{log_.through()});
}

}  // namespace daemon_gateway
