// Reports that were taken in and are not durable yet, in the order they came.
#ifndef DAEMON_AUDITOR_WAITING_REPORTS_H_
#define DAEMON_AUDITOR_WAITING_REPORTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "daemon/audit/log/audit_log.h"

namespace daemon_auditor {

class WaitingReports {
 public:
  // `body_bytes`: of the report's body as it came.
  void add(daemon_audit::Report report, std::size_t body_bytes);

  // What the log is to be given next; empty when nothing waits. Valid until the next change.
  std::span<const daemon_audit::Report> batch() const;
  // The batch is durable.
  void remove_batch();
  // Everything of one writer, who will say it again.
  void drop(std::uint64_t writer);

  bool empty() const { return reports_.empty(); }
  std::size_t size() const { return reports_.size(); }
  bool holds(std::uint64_t writer) const;
  // Of the gateways' reports; of the supervisor's; of sealed texts.
  std::size_t bytes() const { return bytes_; }
  std::size_t supervisor_bytes() const { return supervisor_bytes_; }
  std::size_t sealed_bytes() const { return sealed_bytes_; }

 private:
  void forget_bytes(std::size_t place);

  std::vector<daemon_audit::Report> reports_;
  std::vector<std::size_t> charges_;  // of each report
  std::size_t bytes_ = 0;
  std::size_t supervisor_bytes_ = 0;
  std::size_t sealed_bytes_ = 0;
};

}  // namespace daemon_auditor

#endif  // DAEMON_AUDITOR_WAITING_REPORTS_H_
