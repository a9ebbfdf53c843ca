#include "daemon/gateway/tls_session.h"

#include <openssl/err.h>

namespace daemon_gateway {

base::Result<TlsSession> TlsSession::create(const TlsContext& context, int socket) {
  std::unique_ptr<SSL, Free> ssl(SSL_new(context.get()));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), socket) != 1)
    return base::exhausted("no memory for a TLS session");
  SSL_set_accept_state(ssl.get());
  return TlsSession(std::move(ssl));
}

TlsOutcome TlsSession::outcome(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();  // the queue belongs to the thread: leave nothing for the next connection
  switch (error) {
    case SSL_ERROR_NONE:
      return TlsOutcome::kOk;
    case SSL_ERROR_WANT_READ:
      return TlsOutcome::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return TlsOutcome::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return TlsOutcome::kEnd;
    default:
      failed_ = true;
      return TlsOutcome::kFailed;
  }
}

TlsOutcome TlsSession::handshake() {
  if (failed_) return TlsOutcome::kFailed;
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? TlsOutcome::kOk : outcome(result);
}

TlsTransfer TlsSession::read(std::span<char> buffer) {
  if (failed_) return {TlsOutcome::kFailed};
  std::size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes);
  if (result == 1) return {TlsOutcome::kOk, bytes};
  return {outcome(result)};
}

TlsTransfer TlsSession::write(std::string_view bytes) {
  if (failed_) return {TlsOutcome::kFailed};
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
  if (result == 1) return {TlsOutcome::kOk, written};
  return {outcome(result)};
}

bool TlsSession::probe() {
  if (failed_ || SSL_version(ssl_.get()) != TLS1_3_VERSION) return false;
  if (SSL_get_key_update_type(ssl_.get()) != SSL_KEY_UPDATE_NONE) return true;  // one is on its way
  if (SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1) SSL_do_handshake(ssl_.get());
  ERR_clear_error();
  return true;
}

void TlsSession::close_notify() {
  if (failed_ || SSL_is_init_finished(ssl_.get()) != 1) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace daemon_gateway
