// Where the gateway's records go. In the product that is the auditor (audit_link.h).
#ifndef DAEMON_GATEWAY_AUDIT_SINK_H_
#define DAEMON_GATEWAY_AUDIT_SINK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "daemon/gateway/audit_report.h"
#include "daemon/gateway/exchange.h"

namespace daemon_gateway {

struct AuditHealth {
  bool usable = false;      // whoever is admitted now can be written down
  std::string why = {};     // why not
  std::size_t pending = 0;  // records that are not durable yet
  std::uint64_t durable_total = 0;
};

// Belongs to the event loop's thread; never blocks.
class AuditSink {
 public:
  virtual ~AuditSink() = default;

  // Keeps the report until it is durable, then tells `waiter` (Exchange::push_recorded; null:
  // nobody waits). False: there is no room for it, and nothing was kept.
  virtual bool append(AuditReport report, std::shared_ptr<Exchange> waiter) = 0;
  virtual AuditHealth health() const = 0;
};

// Makes what keeps the records instead of the auditor. Null in the product, which has no code for
// it; set by a program for benchmarks alone (null_audit_sink.h).
using MakeAuditSink = std::unique_ptr<AuditSink> (*)();

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_AUDIT_SINK_H_
