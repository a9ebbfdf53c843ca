// The server's side of TLS: certificate, key and what is allowed, fixed before the first client
// comes.
#ifndef DAEMON_GATEWAY_TLS_CONTEXT_H_
#define DAEMON_GATEWAY_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_gateway {

struct TlsOptions {
  std::string_view certificate_pem;  // chain, leaf first
  std::string_view private_key_pem;
  bool tls_1_2 = false;
};

class TlsContext {
 public:
  // Reads no file, now or later: OpenSSL is told not to look for its configuration.
  static base::Result<TlsContext> create(const TlsOptions& options);

  SSL_CTX* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using Handle = std::unique_ptr<SSL_CTX, Free>;

  explicit TlsContext(Handle context) : context_(std::move(context)) {}

  Handle context_;
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_TLS_CONTEXT_H_
