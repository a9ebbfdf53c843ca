#include "daemon/supervisor/role_configs.h"

#include <fcntl.h>

#include <cstdlib>
#include <span>
#include <string>

#include "daemon/audit/seal/sealed_text.h"
#include "daemon/auditor/auditor_config.h"
#include "daemon/health/health_config.h"
#include "daemon/supervisor/sealed_memfd.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "hardening/base/secret.h"

namespace daemon_supervisor {
namespace {

constexpr std::size_t kPublicKeyBytesMax = 16'384;
constexpr std::size_t kBootIdBytes = 16;

bool is_boot_id(const std::string& text) {
  const auto bytes = base::from_hex(text);
  return bytes.ok() && bytes.value().size() == kBootIdBytes;
}

// Files of /proc have no size to read by.
base::Result<std::string> read_proc(const std::string& path) {
  const base::Fd file = TRY(base::open_file(path, O_RDONLY));
  std::string text(64, '\0');
  text.resize(TRY(base::read_full(file, std::as_writable_bytes(std::span(text)))));
  return text;
}

std::string boot_id(const base::Logger& log) {
  if (auto id = kernel_boot_id()) return *std::move(id);
  log.warning(
      "the kernel's boot id is not to be had: records name this start of the service instead");
  std::byte random[kBootIdBytes];
  base::fill_random(random);
  return base::to_hex(random);
}

}  // namespace

base::Result<base::Fd> create_gateway_config(const daemon_config::Config& config,
                                             const StatePaths& paths, std::size_t listeners) {
  daemon_gateway::GatewayConfig gateway = config.limits;
  const TlsIdentity identity = TRY(ensure_tls_identity(config, paths));
  gateway.listeners = static_cast<std::uint32_t>(listeners);
  gateway.tls_certificate_pem = identity.certificate_pem;
  gateway.tls_private_key_pem = identity.private_key_pem.expose_text();
  gateway.api_keys = TRY(read_api_keys(paths));
  gateway.audit_text = config.audit.text;
  gateway.audit_salt = TRY(ensure_audit_salt(paths));
  if (!config.audit.sealed_to.empty()) {
    gateway.audit_sealed_to = TRY(base::read_text_file(config.audit.sealed_to, kPublicKeyBytesMax)
                                      .context("audit.sealed_to"));
    // Before a gateway is started with it, or refuses it.
    TRY(daemon_audit::SealingKey::parse_pem(gateway.audit_sealed_to).context("audit.sealed_to"));
  }
  std::string text = gateway.serialize().dump();
  auto config_fd = create_sealed_memfd("gateway-config", text);
  base::wipe(std::as_writable_bytes(std::span(text)));
  base::wipe(std::as_writable_bytes(std::span(gateway.tls_private_key_pem)));
  base::wipe(std::as_writable_bytes(std::span(gateway.audit_salt)));
  return config_fd;
}

base::Result<base::Fd> create_auditor_config(const daemon_config::Config& config,
                                             std::uint64_t supervisor, const base::Logger& log) {
  daemon_auditor::AuditorConfig auditor;
  auditor.origin = config.audit.origin;
  auditor.host = config.audit.host;
  auditor.sealed_days = config.audit.sealed_days;
  auditor.retention_days = config.audit.retention_days;
  auditor.witnesses = config.audit.witnesses;
  auditor.boot = boot_id(log);
  auditor.supervisor = supervisor;
  return create_sealed_memfd("auditor-config", auditor.serialize());
}

base::Result<base::Fd> create_health_config(const daemon_config::Config& config) {
  daemon_health::HealthConfig health;
  if (!config.gpu.nvml_library.empty()) health.nvml_library = config.gpu.nvml_library;
  health.poll_interval_ms = config.gpu.poll_interval_ms;
  return create_sealed_memfd("health-config", health.serialize());
}

std::optional<std::string> kernel_boot_id() {
  const auto text = read_proc("/proc/sys/kernel/random/boot_id");
  std::string id = text.ok() ? text.value() : "";
  std::erase_if(id, [](char c) { return c == '-' || c == '\n'; });
  if (is_boot_id(id)) return id;
  const char* told = std::getenv("REDOUBT_BOOT_ID");
  if (told != nullptr && is_boot_id(told)) return told;
  return std::nullopt;
}

}  // namespace daemon_supervisor
