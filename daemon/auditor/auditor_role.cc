#include "daemon/auditor/auditor_role.h"

#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "daemon/auditor/auditor.h"
#include "daemon/auditor/auditor_config.h"
#include "daemon/auditor/limits.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/log.h"

namespace daemon_auditor {
namespace {

using base::Status;
using daemon_audit::AuditLog;
using daemon_supervisor::RoleContext;

// Readable to the service's group, and to nobody else.
constexpr mode_t kNotForOthers = 027;
constexpr int kBetweenAttemptsMs = 1'000;

struct Surroundings {
  const base::Clock& clock;
  const base::Logger& logger;
};

base::Result<AuditorConfig> read_config(const base::Fd& fd) {
  const std::string text =
      TRY(base::read_text(fd, kConfigBytesMax).context("auditor configuration"));
  return AuditorConfig::parse(text);
}

base::Result<daemon_audit::AuditLogOptions> log_options(const AuditorConfig& config) {
  daemon_audit::AuditLogOptions options;
  options.origin = config.origin;
  options.host = config.host;
  options.boot = config.boot;
  options.sealed_days = config.sealed_days;
  options.retention_days = config.retention_days;
  for (const std::string& witness : config.witnesses) {
    options.witnesses.push_back(
        TRY(daemon_audit::VerifierKey::parse(witness).context("auditor configuration.witnesses")));
  }
  return options;
}

// Of the disk, which may be better in a second; anything else will not.
bool may_pass(const base::Error& error) {
  return error.code == base::ErrorCode::kIo || error.code == base::ErrorCode::kExhausted ||
         error.code == base::ErrorCode::kUnavailable;
}

// False: nobody is there for whom to go on.
bool pause(const daemon_ipc::Channel& control) {
  pollfd end{control.fd(), 0, 0};
  return ::poll(&end, 1, kBetweenAttemptsMs) == 0;
}

base::Result<base::Fd> same_directory(const base::Fd& directory) {
  const int fd = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return base::io_error(errno, "open the log's directory");
  return base::Fd(fd);
}

// The log, as soon as the disk lets it be opened. What opening takes is given up with the
// lock-down; so a role whose disk is full stays in its first stage, where it has read nothing but
// what it wrote itself, says what it waits for, and goes on by itself when there is room again.
// Nothing: the supervisor is gone.
base::Result<std::unique_ptr<AuditLog>> open_log(const base::Fd& directory,
                                                 daemon_ipc::Channel& control,
                                                 const daemon_audit::AuditLogOptions& options,
                                                 const Surroundings& around) {
  for (std::uint64_t attempt = 1;; ++attempt) {
    auto opened = AuditLog::open(TRY(same_directory(directory)), options, around.clock);
    if (opened.ok() || !may_pass(opened.error())) return opened;
    const std::string& why = opened.error().message;
    if (attempt == 1) around.logger.error("the log cannot be opened yet", {{"why", why}});
    // A sign of life, and what an operator sees; a channel that is full has enough of them.
    (void)control.send(daemon_ipc::Progress{
        attempt, 0,
        bounded_text("waiting for the disk: " + why, daemon_ipc::kProgressTextBytesMax)});
    if (!pause(control)) return std::unique_ptr<AuditLog>();
  }
}

base::Json ready_report(const AuditLog* log, const hardening::Sandbox& sandbox) {
  base::Json report = base::Json::object({{"sandbox", sandbox.report().serialize()}});
  if (log == nullptr) return report;
  report.set("vkey", log->key().text());
  report.set("size", log->size());
  report.set("recovered", log->recovery().records);
  report.set("torn_bytes", log->recovery().torn_bytes);
  return report;
}

Status serve(RoleContext context, const base::Logger& logger) {
  const AuditorConfig config = TRY(read_config(context.config));
  const auto options = TRY(log_options(config));
  if (context.resources.size() != 1)
    return base::invalid_input("an auditor wants the log's directory");
  const base::SystemClock clock;
  daemon_ipc::Channel control(std::move(context.control));
  auto opened = open_log(context.resources[0], control, options, {clock, logger});
  if (opened.ok() && opened.value() == nullptr) return {};
  Auditor::Parts parts{nullptr, "", clock, logger};
  if (opened.ok()) {
    parts.log = std::move(opened).value();
  } else {
    // Somebody has to look at it: until then we say so, and nothing is served.
    parts.refusal = opened.error().message;
    logger.error("ALARM: the log is refused", {{"why", parts.refusal}});
  }
  TRY(context.sandbox.lock_down());
  const base::Json report = ready_report(parts.log.get(), context.sandbox);
  Auditor auditor(std::move(parts), std::move(control), config.supervisor);
  return auditor.run(report);
}

}  // namespace

int run_auditor_role(RoleContext context) {
  ::mallopt(M_ARENA_MAX, 1);
  (void)::umask(kNotForOthers);
  // Inside, no configuration of a library's can be read.
  (void)::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  const base::Logger logger("auditor");
  const Status status = serve(std::move(context), logger);
  if (status.ok()) return 0;
  logger.error(status.error().message, {{"kind", base::error_code_name(status.error().code)}});
  return 1;
}

}  // namespace daemon_auditor
