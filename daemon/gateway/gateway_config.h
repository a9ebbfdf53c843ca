// What the gateway is told when it starts: everything it needs, so that it opens no file. Travels
// as JSON in a sealed memfd from the supervisor.
#ifndef DAEMON_GATEWAY_GATEWAY_CONFIG_H_
#define DAEMON_GATEWAY_GATEWAY_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/auth/api_keys.h"
#include "hardening/base/fd.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace daemon_gateway {

struct GatewayConfig {
  std::uint32_t listeners = 1;      // listening sockets handed over, from descriptor 5 on
  std::string tls_certificate_pem;  // chain, leaf first
  std::string tls_private_key_pem;
  bool tls_1_2 = false;  // allow TLS 1.2 too
  daemon_auth::ApiKeys api_keys;
  std::uint32_t connections_max = 1'024;
  std::uint32_t requests_max =
      64;  // requests being worked on at one time; more get 503 with Retry-After
  std::uint32_t requests_per_key_max = 0;  // of them, of one key; 0: what fairness leaves it
  std::uint32_t body_bytes_max = 8u << 20;
  std::uint32_t header_timeout_ms =
      10'000;  // from accept (later: a request's first byte) to the end of its header block
  std::uint32_t body_timeout_ms = 60'000;
  std::uint32_t write_timeout_ms =
      60'000;                            // a reader this slow is cut off and its request cancelled
  std::uint32_t request_timeout_ms = 0;  // whole request; 0: none
  std::uint32_t ping_interval_ms = 10'000;  // SSE comment while nothing else is sent
  // daemon/audit/RECORDS.md sections 4 and 5.
  std::string audit_text = "digest";  // of prompts and answers: "none", "digest" or "sealed"
  std::string audit_salt;             // the site key, hexadecimal
  std::string audit_sealed_to;        // an X25519 public key as PEM, with "sealed" alone

  base::Json serialize() const;
  static base::Result<GatewayConfig> parse(const base::Json& json);  // unknown members are refused
};

// From a memfd at its beginning; what was read is wiped.
base::Result<GatewayConfig> read_gateway_config(const base::Fd& fd);

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_GATEWAY_CONFIG_H_
