#include "daemon/audit/log/audit_log.h"

#include "daemon/audit/log/durable_log.h"

namespace daemon_audit {

base::Result<std::unique_ptr<AuditLog>> AuditLog::open(base::Fd directory, AuditLogOptions options,
                                                       const base::Clock& clock) {
  auto log = std::make_unique<DurableLog>(std::move(directory), std::move(options), clock);
  TRY(log->start().context("audit log"));
  return std::unique_ptr<AuditLog>(std::move(log));
}

}  // namespace daemon_audit
