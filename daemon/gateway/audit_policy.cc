#include "daemon/gateway/audit_policy.h"

#include <algorithm>
#include <span>
#include <vector>

#include "hardening/base/hex.h"
#include "hardening/base/secret.h"

namespace daemon_gateway {

base::Result<AuditPolicy> AuditPolicy::take(GatewayConfig& config) {
  AuditPolicy policy;
  std::vector<std::byte> key =
      TRY(base::from_hex(config.audit_salt).context("gateway configuration: 'audit_salt'"));
  base::wipe(std::as_writable_bytes(std::span(config.audit_salt)));
  config.audit_salt.clear();
  const bool fits = key.size() == policy.site_key.bytes.size();
  if (fits) std::copy(key.begin(), key.end(), policy.site_key.bytes.begin());
  base::wipe(key);
  if (!fits) return base::invalid_input("gateway configuration: 'audit_salt' is not 32 bytes");
  if (config.audit_text == "none") policy.text = AuditText::kNone;
  if (config.audit_text != "sealed") return policy;
  policy.text = AuditText::kSealed;
  policy.sealed_to = TRY(daemon_audit::SealingKey::parse_pem(config.audit_sealed_to)
                             .context("gateway configuration: 'audit_sealed_to'"));
  return policy;
}

}  // namespace daemon_gateway
