#include "daemon/auditor/auditor.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "daemon/auditor/limits.h"

namespace daemon_auditor {

using base::Status;
using daemon_audit::AuditLog;
using daemon_audit::Report;
using daemon_audit::Reporter;

namespace {

constexpr std::uint64_t kOwnWriter = 0;
constexpr int kLastTurnsMax = 64;  // once the control channel has ended

}  // namespace

Auditor::Auditor(Parts parts, daemon_ipc::Channel control, std::uint64_t supervisor)
    : parts_(std::move(parts)),
      supervisor_(supervisor),
      control_(Reporter::kSupervisor, supervisor, std::move(control)) {
  const std::int64_t now_ns = parts_.clock.monotonic_ns();
  tidied_ns_ = now_ns;
  published_ns_ = now_ns - kPublishNs;
  if (parts_.log == nullptr) (void)health_.failed(now_ns, parts_.refusal);
}

Status Auditor::run(const base::Json& report) {
  control_.say(daemon_ipc::Ready{report.dump()});
  greet(control_);
  TRY(flush());
  while (!control_ended_) {
    TRY(wait());
    TRY(read_control());
    const std::size_t messages = read_writers();
    write_down();
    tend(messages == 0);
    TRY(flush());
  }
  return finish();
}

// ---- waiting

// A channel that is neither to be read nor written is not watched at all: its end would be told
// again and again.
Status Auditor::wait() {
  pollfd fds[kWriterChannelsMax + 1];
  nfds_t count = 0;
  const auto watch = [&](const WriterLink& link, bool read) {
    const auto events =
        static_cast<short>((read ? POLLIN : 0) | (link.wants_write() ? POLLOUT : 0));
    fds[count++] = {events == 0 ? -1 : link.fd(), events, 0};
  };
  watch(control_, true);
  for (const auto& link : writers_) watch(*link, may_read(*link));
  if (::poll(fds, count, patience_ms()) < 0 && errno != EINTR) return base::io_error(errno, "poll");
  return {};
}

int Auditor::patience_ms() const {
  if (parts_.log == nullptr) return -1;
  const std::int64_t now_ns = parts_.clock.monotonic_ns();
  std::int64_t due_ns = tidied_ns_ + kTidyIdleNs;
  if (health_.failing()) {
    due_ns = health_.next_try_ns();
  } else if (untidy_ || !waiting_.empty()) {
    return 0;
  } else if (parts_.log->size() != parts_.log->published_size()) {
    due_ns = std::min(due_ns, published_ns_ + kPublishNs);
  }
  // Rounded up, so that it is due when we wake.
  const std::int64_t ms = std::max<std::int64_t>(0, due_ns - now_ns + 999'999) / 1'000'000;
  return static_cast<int>(std::min<std::int64_t>(ms, std::numeric_limits<int>::max()));
}

// ---- the log

void Auditor::write_down() {
  if (parts_.log == nullptr || !health_.may_try(parts_.clock.monotonic_ns())) return;
  const Status written = write_all();
  if (!written.ok()) {
    fail(written.error());
  } else if (health_.failing()) {
    recover();
  }
}

Status Auditor::write_all() {
  TRY(append_waiting());
  TRY(forget_former());
  return health_.failing() ? append_resumed() : Status();
}

Status Auditor::append_waiting() {
  while (!waiting_.empty()) {
    const std::size_t count = waiting_.batch().size();
    send_proofs(TRY(parts_.log->append(waiting_.batch())));
    waiting_.remove_batch();
    records_ += count;
    ++batches_;
    untidy_ = true;
    acknowledge();
  }
  return {};
}

// In the order of the batch: whose each is, the reports tell.
void Auditor::send_proofs(std::vector<daemon_audit::Proven> proven) {
  auto next = proven.begin();
  for (const Report& report : waiting_.batch()) {
    if (next == proven.end()) return;
    if (!report.prove || report.number != next->number) continue;
    if (WriterLink* link = find_link(report.writer)) link->prove(std::move(*next));
    ++next;
  }
}

void Auditor::acknowledge() {
  control_.acknowledge(parts_.log->through(supervisor_));
  for (const auto& link : writers_) link->acknowledge(parts_.log->through(link->writer()));
  (void)flush();  // what is wrong with the supervisor shows at the end of the turn
}

// A gateway is gone for good when there is another, everything that it said has been read, and all
// of that is in the log.
Status Auditor::forget_former() {
  if (!former_remain_) return {};
  bool remain = false;
  for (const std::uint64_t writer : parts_.log->writers()) {
    if (writer == kOwnWriter || writer == supervisor_ || writer == gateway_) continue;
    if (find_link(writer) != nullptr || waiting_.holds(writer)) {
      remain = true;
    } else {
      TRY(parts_.log->forget_writer(writer));
      untidy_ = true;
    }
  }
  former_remain_ = remain;
  return {};
}

// Under one number, however often it is tried: what an attempt that failed has left behind is
// written by the log with the next.
Status Auditor::append_resumed() {
  Report resumed;
  resumed.writer = kOwnWriter;
  resumed.number = resumed_number_;
  resumed.reporter = Reporter::kAuditor;
  resumed.type = "log.resumed";
  resumed.body = base::Json::object({{"why", health_.why()},
                                     {"failed_ms", health_.failed_ms(parts_.clock.monotonic_ns())},
                                     {"refused", 0}});
  TRY(parts_.log->append(std::span(&resumed, 1)));
  return {};
}

void Auditor::fail(const base::Error& why) {
  if (!health_.failing()) resumed_number_ = parts_.log->through(kOwnWriter) + 1;
  const bool news = health_.failed(parts_.clock.monotonic_ns(), why.message);
  if (!news) return;
  parts_.logger.error("the log cannot be written", {{"why", health_.why()}});
  tell_state();
}

void Auditor::recover() {
  parts_.logger.notice("the log can be written again",
                       {{"failed_ms", health_.failed_ms(parts_.clock.monotonic_ns())}});
  health_.recovered();
  untidy_ = true;
  tell_state();
}

void Auditor::tell_state() {
  control_.say(health_.state());
  for (const auto& link : writers_) link->say(health_.state());
}

// Only what can wait, while nobody waits for us; but under load that never ends, now and then.
void Auditor::tend(bool idle) {
  if (parts_.log == nullptr || health_.failing()) return;
  const std::int64_t now_ns = parts_.clock.monotonic_ns();
  if (now_ns - tidied_ns_ >= kTidyIdleNs) untidy_ = true;
  if (untidy_ && (idle || now_ns - tidied_ns_ >= kTidyAtLeastNs)) {
    untidy_ = parts_.log->tidy();
    tidied_ns_ = now_ns;
  }
  publish(now_ns);
}

void Auditor::publish(std::int64_t now_ns) {
  if (parts_.log->size() == parts_.log->published_size() || now_ns - published_ns_ < kPublishNs)
    return;
  published_ns_ = now_ns;
  const Status published = parts_.log->publish();
  if (!published.ok() && publishes_)
    parts_.logger.warning("the log cannot be published", {{"why", published.error().message}});
  publishes_ = published.ok();
}

// Whoever spoke before the end is heard.
Status Auditor::finish() {
  for (int turn = 0; turn < kLastTurnsMax && read_writers() > 0; ++turn) write_down();
  if (parts_.log == nullptr) return {};
  const Status written = write_all();
  (void)flush();
  if (!written.ok()) {
    parts_.logger.error("reports that could not be written are given up",
                        {{"reports", static_cast<std::int64_t>(waiting_.size())}});
    return written;
  }
  return parts_.log->close().context("close the log");
}

}  // namespace daemon_auditor
