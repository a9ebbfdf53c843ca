#include "daemon/supervisor/role_configs.h"

#include <span>

#include "daemon/supervisor/sealed_memfd.h"
#include "hardening/base/secret.h"

namespace daemon_supervisor {

base::Result<base::Fd> create_gateway_config(const daemon_config::Config& config,
                                             const StatePaths& paths, std::size_t listeners) {
  daemon_gateway::GatewayConfig gateway = config.limits;
  const TlsIdentity identity = TRY(ensure_tls_identity(config, paths));
  gateway.listeners = static_cast<std::uint32_t>(listeners);
  gateway.tls_certificate_pem = identity.certificate_pem;
  gateway.tls_private_key_pem = identity.private_key_pem.expose_text();
  gateway.api_keys = TRY(read_api_keys(paths));
  std::string text = gateway.serialize().dump();
  auto config_fd = create_sealed_memfd("gateway-config", text);
  base::wipe(std::as_writable_bytes(std::span(text)));
  base::wipe(std::as_writable_bytes(std::span(gateway.tls_private_key_pem)));
  return config_fd;
}

}  // namespace daemon_supervisor
