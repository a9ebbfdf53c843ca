#include "tests/e2e/audit_crash/auditor_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "daemon/audit/log/audit_log.h"
#include "daemon/auditor/auditor.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/log.h"

namespace audit_crash {

void run_auditor(const std::string& directory, base::Fd control, std::uint64_t supervisor,
                 DeathPlan* plan) {
  const base::SystemClock clock;
  const base::Logger logger("auditor", base::LogLevel::kError);
  die_by(plan);
  daemon_audit::AuditLogOptions options;
  options.origin = "redoubt/crash";
  options.host = "crash";
  options.boot = std::string(32, 'b');
  auto opened = base::open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!opened.ok()) ::_exit(kOpenFailed);
  auto log = daemon_audit::AuditLog::open(std::move(opened).value(), options, clock);
  if (!log.ok()) {
    logger.error("the log cannot be opened", {{"why", log.error().message}});
    ::_exit(kOpenFailed);
  }
  daemon_auditor::Auditor auditor({std::move(log).value(), "", clock, logger},
                                  daemon_ipc::Channel(std::move(control)), supervisor);
  const auto status = auditor.run(base::Json::object());
  if (!status.ok()) logger.error("the auditor fails", {{"why", status.error().message}});
  ::_exit(status.ok() ? 0 : kServeFailed);
}

}  // namespace audit_crash
