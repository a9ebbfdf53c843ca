// What comes in: from the supervisor, and from the writers on channels of their own.
#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/auditor/auditor.h"
#include "daemon/auditor/limits.h"

namespace daemon_auditor {

using base::Status;
using daemon_audit::Reporter;

namespace {

// Of a channel that ended, as it should at some time.
bool is_end(const base::Error& error) {
  return error.code == base::ErrorCode::kIo;
}

}  // namespace

// ---- the supervisor

Status Auditor::read_control() {
  for (std::size_t i = 0; i < kMessagesPerTurn; ++i) {
    auto received = control_.receive();
    if (!received.ok() && is_end(received.error())) {
      control_ended_ = true;
      return {};
    }
    if (!received.ok()) return std::move(received).error();
    if (!received.value()) return {};
    TRY(take_control(std::move(*received.value())));
  }
  return {};
}

Status Auditor::take_control(daemon_ipc::Received received) {
  if (std::holds_alternative<daemon_ipc::Ping>(received.message)) {
    answer_ping();
    return {};
  }
  if (const auto* channel = std::get_if<daemon_ipc::AuditChannel>(&received.message))
    return connect(channel->writer, std::move(received.fd));
  // It is the gateway that drains; we end when everybody has.
  if (std::holds_alternative<daemon_ipc::Drain>(received.message)) return {};
  if (const auto* asked = std::get_if<daemon_ipc::Cosign>(&received.message)) {
    cosign(*asked);
    return {};
  }
  TRY(take_report(control_, std::move(received.message)));
  // It is heard whatever waits, or its pings would go unanswered; so it is ended where others are
  // not read.
  if (waiting_.supervisor_bytes() <= kSupervisorWaitingBytesMax) return {};
  return base::exhausted("the supervisor reports more than can wait for the log");
}

// Never busy: reports wait for the disk at most, and then we do not answer.
void Auditor::answer_ping() {
  const bool opened = parts_.log != nullptr;
  const base::Json stats =
      base::Json::object({{"records", records_},
                          {"size", opened ? parts_.log->size() : 0},
                          {"published", opened ? parts_.log->published_size() : 0},
                          {"batches", batches_},
                          {"waiting", static_cast<std::uint64_t>(waiting_.size())},
                          {"state", health_.failing() ? "failing" : "appending"},
                          {"failed_ms", health_.failed_ms(parts_.clock.monotonic_ns())}});
  control_.say(
      daemon_ipc::Alive{.work = records_ + batches_, .busy = false, .stats = stats.dump()});
}

void Auditor::cosign(const daemon_ipc::Cosign& cosign) {
  daemon_ipc::Cosigned answer;
  answer.ticket = cosign.ticket;
  const auto said = parts_.log == nullptr
                        ? base::Result<std::string>(base::unavailable(health_.why()))
                        : parts_.log->cosign(cosign.note);
  answer.accepted = said.ok();
  answer.text =
      bounded_text(said.ok() ? said.value() : said.error().message, daemon_ipc::kStateTextBytesMax);
  untidy_ = true;
  control_.say(std::move(answer));
}

// ---- writers

Status Auditor::connect(std::uint64_t writer, base::Fd channel) {
  if (writer == 0 || writer == supervisor_)
    return base::invalid_input("audit_channel.writer: not one that a gateway can be");
  std::erase_if(writers_, [&](const auto& link) { return link->writer() == writer; });
  waiting_.drop(writer);  // it says it again
  // Those that are left are gateways that have ended: what they said last is being read.
  if (writers_.size() == kWriterChannelsMax) writers_.erase(writers_.begin());
  gateway_ = writer;
  former_remain_ = true;
  writers_.push_back(std::make_unique<WriterLink>(Reporter::kGateway, writer,
                                                  daemon_ipc::Channel(std::move(channel))));
  greet(*writers_.back());
  return {};
}

// What is durable is not known while the log is not open: then its state is all there is to tell,
// and only the supervisor can do anything about it.
void Auditor::greet(WriterLink& link) {
  if (parts_.log != nullptr) link.begin(parts_.log->through(link.writer()));
  if (parts_.log != nullptr || &link == &control_) link.say(health_.state());
}

bool Auditor::may_read(const WriterLink& link) const {
  return !link.saturated() && waiting_.bytes() < kWaitingBytesMax &&
         (waiting_.sealed_bytes() == 0 || sealed_bytes() < kSealedWaitingBytesMax);
}

std::size_t Auditor::sealed_bytes() const {
  std::size_t bytes = waiting_.sealed_bytes() + control_.sealed_bytes();
  for (const auto& link : writers_) bytes += link->sealed_bytes();
  return bytes;
}

std::size_t Auditor::read_writers() {
  std::size_t messages = 0;
  for (const auto& link : writers_) messages += read_writer(*link);
  remove_ended();
  return messages;
}

std::size_t Auditor::read_writer(WriterLink& link) {
  std::size_t messages = 0;
  while (messages < kMessagesPerTurn && !link.ended() && may_read(link)) {
    auto received = link.receive();
    if (received.ok() && !received.value()) {
      // All that it said is heard, and it hears nothing: with another channel it will.
      if (link.deaf()) part_with(link, base::unavailable("it cannot be told anything"));
      return messages;
    }
    ++messages;
    const Status taken = received.ok() ? take_report(link, std::move(received.value()->message))
                                       : Status(std::move(received).error());
    if (!taken.ok()) part_with(link, taken.error());
  }
  return messages;
}

Status Auditor::take_report(WriterLink& link, daemon_ipc::Message message) {
  auto taken = TRY(link.take(std::move(message)));
  if (taken) waiting_.add(std::move(taken->report), taken->body_bytes);
  // What waits goes to the log, and makes room; texts that never come to their end do not.
  if (waiting_.sealed_bytes() > 0 || sealed_bytes() <= kSealedWaitingBytesMax) return {};
  return base::exhausted("sealed_piece: the unfinished texts of all writers are too much");
}

// What it said before stays: only the channel is of no more use.
void Auditor::part_with(WriterLink& link, const base::Error& why) {
  const auto writer = static_cast<std::int64_t>(link.writer());
  if (is_end(why)) {
    parts_.logger.info("a writer's channel has ended", {{"writer", writer}});
  } else {
    parts_.logger.warning("a writer breaks the protocol: its channel is ended",
                          {{"writer", writer}, {"why", why.message}});
  }
  link.end();
}

void Auditor::remove_ended() {
  std::erase_if(writers_, [](const auto& link) { return link->ended(); });
}

Status Auditor::flush() {
  for (const auto& link : writers_) {
    const Status sent = link->flush();
    if (!sent.ok()) part_with(*link, sent.error());
  }
  remove_ended();
  return control_.flush().context("the supervisor");
}

WriterLink* Auditor::find_link(std::uint64_t writer) {
  if (writer == supervisor_) return &control_;
  const auto found = std::find_if(writers_.begin(), writers_.end(),
                                  [&](const auto& link) { return link->writer() == writer; });
  return found == writers_.end() ? nullptr : found->get();
}

}  // namespace daemon_auditor
