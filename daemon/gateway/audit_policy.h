// What records may say of prompts and answers (daemon/audit/RECORDS.md sections 4 and 5).
#ifndef DAEMON_GATEWAY_AUDIT_POLICY_H_
#define DAEMON_GATEWAY_AUDIT_POLICY_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/audit/seal/hpke_kdf.h"
#include "daemon/audit/seal/salt.h"
#include "daemon/audit/seal/sealed_text.h"
#include "daemon/gateway/gateway_config.h"
#include "hardening/base/result.h"

namespace daemon_gateway {

enum class AuditText : std::uint8_t { kNone, kDigest, kSealed };

struct AuditPolicy {
  AuditText text = AuditText::kDigest;
  std::optional<daemon_audit::SealingKey> sealed_to;  // with kSealed
  daemon_audit::SecretBytes<daemon_audit::kSiteKeyBytes> site_key;

  daemon_audit::Salt salt_of(std::string_view request_id) const {
    return daemon_audit::make_salt(site_key.text(), request_id);
  }

  // The site key leaves the configuration.
  static base::Result<AuditPolicy> take(GatewayConfig& config);
};

// Set by the event loop, read by workers: a request keeps the one it began with.
class AuditPolicies {
 public:
  std::shared_ptr<const AuditPolicy> get() const {
    const std::lock_guard lock(mutex_);
    return policy_;
  }
  void set(AuditPolicy policy) {
    auto fresh = std::make_shared<const AuditPolicy>(std::move(policy));
    const std::lock_guard lock(mutex_);
    policy_ = std::move(fresh);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const AuditPolicy> policy_ = std::make_shared<const AuditPolicy>();
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_AUDIT_POLICY_H_
