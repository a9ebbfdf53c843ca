#include "daemon/supervisor/role_entry.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <csignal>
#include <ctime>
#include <optional>

#include "daemon/auditor/auditor_role.h"
#include "daemon/engine/engine_role.h"
#include "daemon/gateway/gateway_role.h"
#include "daemon/health/health_role.h"
#include "daemon/importer/importer_role.h"
#include "daemon/supervisor/role_context.h"
#include "hardening/base/log.h"
#include "hardening/build_kind.h"
#include "hardening/crash_report.h"
#include "hardening/sandbox.h"

namespace daemon_supervisor {
namespace {

constexpr int kControl = 3;
constexpr int kConfig = 4;
constexpr int kFirstResource = 5;
constexpr int kStagingDirectory = 6;  // of an importer, whose first resource is the medium
constexpr int kObjectsDirectory = 7;
constexpr int kDescriptorsMax = 64;
constexpr int kExitFailure = 1;

bool is_directory(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

std::optional<hardening::Policy> policy_of_role(const RoleRequest& request) {
  if (request.name == "gateway") {
    return hardening::gateway_policy(request.identity, request.descriptors, request.open_files_max);
  }
  if (request.name == "engine" && request.gpu) {
    return hardening::gpu_engine_policy(request.identity, request.descriptors, kFirstResource,
                                        hardening::gpu_compute_paths());
  }
  if (request.name == "health") {
    return hardening::health_policy(request.identity, request.descriptors,
                                    hardening::gpu_fact_paths(request.library));
  }
  if (request.name == "engine") {
    return hardening::engine_policy(request.identity, request.descriptors, kFirstResource);
  }
  if (request.name == "auditor")
    return hardening::auditor_policy(request.identity, request.descriptors, kFirstResource);
  if (request.name == "importer") {
    return hardening::importer_policy(request.identity, request.descriptors, kStagingDirectory,
                                      is_directory(kFirstResource) ? kFirstResource : -1,
                                      kObjectsDirectory);
  }
  return std::nullopt;
}

std::optional<hardening::Policy> policy_for(const RoleRequest& request, const RoleHooks& hooks) {
  auto policy = policy_of_role(request);
  if (!policy) return policy;
  if (hooks.adjust_policy != nullptr) policy = hooks.adjust_policy(*policy);
  return policy->loosened(hardening::Loosening::for_sanitizers());
}

// A person who calls `redoubt role` by hand is told so instead of meeting a closed descriptor
// later.
base::Status check_descriptors(int count) {
  if (count < kFirstResource || count > kDescriptorsMax) {
    return base::invalid_input("roles are started by 'redoubt serve' alone");
  }
  for (int fd = 0; fd < count; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0)
      return base::invalid_input(fmt::format("descriptor {} is not open", fd));
    // They were placed without CLOEXEC to survive one exec; there will not be another.
    if (fd >= kControl && ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
      return base::io_error(errno, "fcntl");
  }
  return {};
}

RoleContext make_context(int descriptors, hardening::Sandbox sandbox) {
  RoleContext context{base::Fd(kControl), base::Fd(kConfig), {}, std::move(sandbox)};
  for (int fd = kFirstResource; fd < descriptors; ++fd) context.resources.emplace_back(fd);
  return context;
}

}  // namespace

int run_role(const RoleRequest& request, const RoleHooks& hooks) {
  const base::Logger log("role");
  const auto policy = policy_for(request, hooks);
  if (!policy) {
    log.error("no such role", {{"name", request.name}});
    return kExitFailure;
  }
  // Sanitizers report crashes themselves.
  if (!hardening::kSanitizerBuild) hardening::install_crash_report(policy->facts().role);
  // execveat() named the process after a descriptor.
  (void)::prctl(PR_SET_NAME, ("redoubt-" + request.name).c_str(), 0, 0, 0);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  (void)::sigaction(SIGPIPE, &ignore,
                    nullptr);  // a peer that goes away is an error value, not a signal
  auto ready = check_descriptors(request.descriptors);
  if (!ready.ok()) {
    log.error(ready.error().message, {{"role", request.name}});
    return kExitFailure;
  }
  // The C library reads the time zone's file when times are first taken apart, as those of
  // certificates are; inside, no name can be opened any more.
  ::tzset();
  auto sandbox = hardening::Sandbox::enter(*policy);
  if (!sandbox.ok()) {
    log.error("refusing to run outside the sandbox",
              {{"role", request.name}, {"why", sandbox.error().message}});
    return kExitFailure;
  }
  auto context = make_context(request.descriptors, std::move(sandbox).value());
  if (request.name == "gateway")
    return daemon_gateway::run_gateway_role(std::move(context), hooks.make_audit_sink);
  if (request.name == "auditor") return daemon_auditor::run_auditor_role(std::move(context));
  if (request.name == "health") return daemon_health::run_health_role(std::move(context));
  if (request.name == "importer") return daemon_importer::run_importer_role(std::move(context));
  return daemon_engine::run_engine_role(std::move(context), hooks.engine);
}

}  // namespace daemon_supervisor
