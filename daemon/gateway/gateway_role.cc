#include "daemon/gateway/gateway_role.h"

#include <malloc.h>

#include <csignal>

#include "daemon/gateway/gateway.h"

namespace daemon_gateway {
namespace {

// More arenas than this make glibc look for the number of processors in /sys, which the sandbox
// refuses.
constexpr int kArenas = 4;

// Larger blocks are mappings of their own, and go back when they are freed. Left to itself glibc
// raises this after the first large body, and a burst of bodies stays in the process for good.
constexpr int kMappedFrom = 128 * 1024;
base::Status serve(daemon_supervisor::RoleContext context, MakeAuditSink make_audit_sink,
                   const base::Logger& log) {
  GatewayConfig config = TRY(read_gateway_config(context.config));
  TRY(context.config.close());
  const base::SystemClock clock;
  GatewayParts parts{.config = std::move(config),
                     .control = std::move(context.control),
                     .listeners = std::move(context.resources)};
  if (make_audit_sink != nullptr) parts.audit_sink = make_audit_sink();
  const auto gateway = TRY(Gateway::create(std::move(parts), clock, log));
  // Every thread runs, every file is read: from here on the tight list holds.
  TRY(context.sandbox.lock_down());
  return gateway->run(base::Json::object({{"sandbox", context.sandbox.report().serialize()}}));
}

}  // namespace

int run_gateway_role(daemon_supervisor::RoleContext context, MakeAuditSink make_audit_sink) {
  ::mallopt(M_ARENA_MAX, kArenas);
  ::mallopt(M_MMAP_THRESHOLD, kMappedFrom);
  ::signal(SIGPIPE, SIG_IGN);
  const base::Logger log("gateway");
  const base::Status status = serve(std::move(context), make_audit_sink, log);
  if (status.ok()) return 0;
  log.error("gateway ends", {{"why", status.error().message}});
  return 1;
}

}  // namespace daemon_gateway
