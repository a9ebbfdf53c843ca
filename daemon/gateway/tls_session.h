// One client's TLS connection over a non-blocking socket. Belongs to the event loop's thread.
#ifndef DAEMON_GATEWAY_TLS_SESSION_H_
#define DAEMON_GATEWAY_TLS_SESSION_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "daemon/gateway/tls_context.h"

namespace daemon_gateway {

enum class TlsOutcome : std::uint8_t {
  kOk,
  kWantRead,   // wait until the socket can be read
  kWantWrite,  // wait until it can be written
  kEnd,        // the peer will send no more
  kFailed,     // the connection is of no more use
};

struct TlsTransfer {
  TlsOutcome outcome = TlsOutcome::kOk;
  std::size_t bytes = 0;  // with kOk, at least 1
};

class TlsSession {
 public:
  // Does not own the socket, which outlives it.
  static base::Result<TlsSession> create(const TlsContext& context, int socket);

  TlsOutcome handshake();
  // Once that is done: "TLSv1.3", "TLS_AES_256_GCM_SHA384".
  const char* version() const { return SSL_get_version(ssl_.get()); }
  const char* cipher() const { return SSL_get_cipher_name(ssl_.get()); }
  TlsTransfer read(std::span<char> buffer);
  TlsTransfer write(std::string_view bytes);

  // Sends something the peer's application never sees (a TLS 1.3 KeyUpdate, RFC 8446
  // section 4.6.3): a peer that closed its socket altogether answers with a reset, one that only
  // finished sending does not. False when this version of TLS has no such message.
  bool probe();

  // Tells the peer that no more will come; best effort.
  void close_notify();

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  explicit TlsSession(std::unique_ptr<SSL, Free> ssl) : ssl_(std::move(ssl)) {}
  TlsOutcome outcome(int result);

  std::unique_ptr<SSL, Free> ssl_;
  bool failed_ = false;  // OpenSSL forbids further use after a fatal error
};

}  // namespace daemon_gateway

#endif  // DAEMON_GATEWAY_TLS_SESSION_H_
