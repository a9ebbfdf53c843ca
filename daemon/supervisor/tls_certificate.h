// A self-signed certificate for an appliance nobody has given one to: P-256, ten years, valid for
// the addresses it serves and for "localhost" and its host name. Clients trust it by holding a
// copy.
#ifndef DAEMON_SUPERVISOR_TLS_CERTIFICATE_H_
#define DAEMON_SUPERVISOR_TLS_CERTIFICATE_H_

#include <cstdint>
#include <span>
#include <string>

#include "daemon/config/listen_address.h"
#include "hardening/base/result.h"
#include "hardening/base/secret.h"

namespace daemon_supervisor {

struct TlsIdentity {
  std::string certificate_pem;
  base::Secret private_key_pem;
};

base::Result<TlsIdentity> create_self_signed(
    std::span<const daemon_config::ListenAddress> addresses, const std::string& host_name,
    std::int64_t now_unix_seconds);

}  // namespace daemon_supervisor

#endif  // DAEMON_SUPERVISOR_TLS_CERTIFICATE_H_
