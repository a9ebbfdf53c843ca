// What the appliance keeps below paths.state (PRIVSEP.md lists who may read it):
//
//   lock                    held while a supervisor runs
//   api-keys.json           who may ask (daemon/auth)
//   ask.key                 the key of `redoubt ask` on this machine, in the clear, 0600
//   tls/certificate.pem     made on first start when the configuration names none
//   tls/private-key.pem     0600
//   store/                  models (provisioning/store/model_store.h)
//   audit/                  the log (daemon/audit/LOG.md); the auditor's
//   audit-salt.key          what digests of prompts are salted with, 0600
//   acts/                   what commands report to the log, until it is there
//   gpus.json               GPUs that no engine may use (gpu_records.h)
//   trust/                  the trust root and what never goes down
//   (provisioning/trust/trust_store.h)
#ifndef DAEMON_SUPERVISOR_STATE_DIRECTORY_H_
#define DAEMON_SUPERVISOR_STATE_DIRECTORY_H_

#include <optional>
#include <string>

#include "daemon/auth/api_keys.h"
#include "daemon/config/config.h"
#include "daemon/supervisor/tls_certificate.h"
#include "hardening/base/fd.h"
#include "hardening/base/file.h"
#include "hardening/base/result.h"
#include "hardening/policy.h"

namespace daemon_supervisor {

inline constexpr unsigned kStateMode = 0700;

struct StatePaths {
  explicit StatePaths(const daemon_config::Config& config);

  std::string directory;
  std::string lock;
  std::string api_keys;
  std::string ask_key;
  std::string tls_directory;
  std::string tls_certificate;  // the configured one, where there is one
  std::string tls_private_key;
  std::string store;
  std::string trust;
  std::string audit;
  std::string audit_salt;
  std::string acts;
  std::string gpus;
  std::string control_socket;
};

// Creates a directory unless it is there; its parent must be.
base::Status ensure_directory(const std::string& path, unsigned mode);

// Held until dropped. kUnavailable when another process holds it.
base::Result<base::Fd> lock_state(const StatePaths& paths);

// No file means no keys.
base::Result<daemon_auth::ApiKeys> read_api_keys(const StatePaths& paths);
base::Status write_api_keys(const StatePaths& paths, const daemon_auth::ApiKeys& keys);

// STATE/audit, opened; made where there is none. It belongs to whom the auditor is to be: `auditor`
// where we may give our roles users of their own. kDenied: it belongs to somebody else, which only
// root can change.
base::Result<base::Fd> open_audit_directory(const StatePaths& paths, hardening::Identity auditor);

// The site key that digests are salted with, 64 hexadecimal digits; made where there is none.
base::Result<std::string> ensure_audit_salt(const StatePaths& paths);

// What root writes into the state directory is given to its owner, who reads it. Nothing for who is
// not root.
base::Result<std::optional<base::FileOwner>> state_heir(const StatePaths& paths);

// The certificate and key to serve with; made and written first where there are none and none are
// configured.
base::Result<TlsIdentity> ensure_tls_identity(const daemon_config::Config& config,
                                              const StatePaths& paths);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_STATE_DIRECTORY_H_
