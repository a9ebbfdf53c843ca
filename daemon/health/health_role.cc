#include "daemon/health/health_role.h"

#include <malloc.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/health/health_config.h"
#include "daemon/health/health_watch.h"
#include "daemon/health/nvml_library.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/log.h"

namespace daemon_health {
namespace {

using base::Json;
using base::Status;

base::Result<HealthConfig> read_config(const base::Fd& fd) {
  const std::string text =
      TRY(base::read_text(fd, kHealthConfigBytesMax).context("health configuration"));
  return HealthConfig::parse(text);
}

// A machine without the library, or without a driver, is no error: it has no GPU to look after.
GpuSnapshot missing(const base::Error& why) {
  const bool absent =
      why.code == base::ErrorCode::kNotFound || why.code == base::ErrorCode::kUnavailable;
  GpuSnapshot snapshot;
  snapshot.status = absent ? NvmlStatus::kNoDriver : NvmlStatus::kError;
  snapshot.error = why.message;
  snapshot.bound();
  return snapshot;
}

Json ready_report(const GpuSnapshot& first, const hardening::Sandbox& sandbox) {
  Json report = Json::object({{"sandbox", sandbox.report().serialize()},
                              {"gpus", static_cast<std::uint64_t>(first.gpus.size())},
                              {"status", nvml_status_name(first.status)}});
  if (!first.error.empty()) report.set("error", first.error);
  if (!first.driver_version.empty()) report.set("driver_version", first.driver_version);
  return report;
}

Status serve(daemon_supervisor::RoleContext context, const base::Logger& logger) {
  const HealthConfig config = TRY(read_config(context.config));
  const base::SystemClock clock;
  HealthWatch::Parts parts{nullptr, {}, clock, config.poll_interval_ms};
  auto library = NvmlLibrary::open(config.nvml_library);
  std::optional<NvmlReader> reader;
  GpuSnapshot first;
  if (library.ok()) {
    // The first round opens what the library opens for each GPU, while that is still allowed.
    parts.reader = &reader.emplace(*library.value(), clock);
    first = reader->read();
  } else {
    // Nothing can be loaded any more after the lock-down: we say so for as long as we live.
    parts.missing = first = missing(library.error());
    logger.info("no GPU is looked after", {{"why", parts.missing.error}});
  }
  TRY(context.sandbox.lock_down());
  const Json report = ready_report(first, context.sandbox);
  HealthWatch watch(std::move(parts), daemon_ipc::Channel(std::move(context.control)));
  return watch.run(report);
}

}  // namespace

int run_health_role(daemon_supervisor::RoleContext context) {
  ::mallopt(M_ARENA_MAX, 1);
  const base::Logger logger("health");
  const Status status = serve(std::move(context), logger);
  if (status.ok()) return 0;
  logger.error(status.error().message, {{"kind", base::error_code_name(status.error().code)}});
  return 1;
}

}  // namespace daemon_health
