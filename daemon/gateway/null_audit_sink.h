// Takes every record for durable at once. For benchmarks alone, which measure what the audit log
// costs: no file of the product includes this.
#ifndef DAEMON_GATEWAY_NULL_AUDIT_SINK_H_
#define DAEMON_GATEWAY_NULL_AUDIT_SINK_H_

#include <memory>
#include <utility>

#include "daemon/gateway/audit_sink.h"

namespace daemon_gateway {

class NullAuditSink final : public AuditSink {
 public:
  static std::unique_ptr<AuditSink> create() { return std::make_unique<NullAuditSink>(); }

  bool append(AuditReport, std::shared_ptr<Exchange> waiter) override {
    ++records_;
    if (waiter != nullptr) waiter->push_recorded({.durable = true});
    return true;
  }
  AuditHealth health() const override { return {.usable = true, .durable_total = records_}; }

 private:
  std::uint64_t records_ = 0;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_NULL_AUDIT_SINK_H_
