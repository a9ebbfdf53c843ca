// A gateway that somebody has taken over, at the auditor's channel: whatever it says, what is taken
// for the log is a gateway's to say, can be a record, and has each number once and in order.
//
// The input is a row of packets, each behind a u16 of its length.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>

#include "daemon/auditor/limits.h"
#include "daemon/auditor/waiting_reports.h"
#include "daemon/auditor/writer_link.h"
#include "daemon/ipc/messages.h"
#include "hardening/base/byte_reader.h"

namespace {

using daemon_audit::Reporter;

void require(bool condition) {
  if (!condition) std::abort();
}

// What may get into the log.
void check(const daemon_auditor::WriterLink::Taken& taken, std::uint64_t number) {
  const daemon_audit::Report& report = taken.report;
  require(report.number == number && report.writer == 1);
  const daemon_audit::EventType* type = daemon_audit::find_event_type(report.type);
  require(type != nullptr && type->reporter == Reporter::kGateway);
  require(report.sealed.size() <= daemon_audit::kSealedBytesMax);
  daemon_audit::Record record;
  record.boot = std::string(32, 'b');
  record.host = "fuzz";
  record.role = report.reporter;
  record.type = report.type;
  record.body = report.body;
  const auto text = record.serialize();
  require(text.ok() && text.value().size() <= daemon_audit::kRecordBytesMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteReader input(std::as_bytes(std::span(data, size)));
  daemon_auditor::WriterLink link(Reporter::kGateway, 1, daemon_ipc::Channel(base::Fd()));
  daemon_auditor::WaitingReports waiting;
  link.begin(0);
  std::uint64_t number = 0;
  while (input.remaining() > 0) {
    const auto length = input.read<std::uint16_t>("length");
    if (!length.ok()) break;
    const auto packet =
        input.take(std::min<std::size_t>(length.value(), input.remaining()), "packet");
    if (!packet.ok()) break;
    auto message = daemon_ipc::parse(packet.value());
    if (!message.ok()) break;
    auto taken = link.take(std::move(message).value());
    if (!taken.ok()) break;  // the channel's end
    if (!taken.value()) continue;
    check(*taken.value(), ++number);
    waiting.add(std::move(taken.value()->report), taken.value()->body_bytes);
  }
  while (!waiting.empty()) waiting.remove_batch();
  require(waiting.bytes() == 0 && waiting.sealed_bytes() == 0);
  return 0;
}
