// One request over TLS to an appliance: an IP literal, verified against one certificate file. Names
// are never resolved and the system's authorities never trusted: what is asked stays on site.
#ifndef DAEMON_CLI_HTTPS_CLIENT_H_
#define DAEMON_CLI_HTTPS_CLIENT_H_

#include <functional>
#include <string>
#include <string_view>

#include "daemon/config/listen_address.h"
#include "hardening/base/result.h"
#include "hardening/base/secret.h"

namespace daemon_cli {

struct HttpsTarget {
  daemon_config::ListenAddress address;
  std::string ca_file;  // PEM: the certificate, or the authority that signed it
};

struct HttpsRequest {
  std::string method;  // "GET" or "POST"
  std::string path;
  std::string body;                       // JSON; empty: none
  const base::Secret* api_key = nullptr;  // borrowed
};

// Called with each piece of the body as it arrives and the response's status.
using BodySink = std::function<base::Status(int status, std::string_view bytes)>;

// The status of the complete response.
base::Result<int> exchange(const HttpsTarget& target, const HttpsRequest& request,
                           const BodySink& sink);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_HTTPS_CLIENT_H_
