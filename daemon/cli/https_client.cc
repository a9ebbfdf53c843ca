#include "daemon/cli/https_client.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "daemon/cli/response_parser.h"
#include "hardening/base/fd.h"

namespace daemon_cli {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { ::SSL_free(session); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;
using SessionPtr = std::unique_ptr<SSL, FreeSession>;

base::Error tls_error(std::string_view doing) {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  const char* reason = code != 0 ? ::ERR_reason_error_string(code) : nullptr;
  return base::unavailable(
      fmt::format("{}: {}", doing, reason != nullptr ? reason : "the connection ended"));
}

base::Result<base::Fd> connect_to(const daemon_config::ListenAddress& address) {
  const auto raw = daemon_config::to_socket_address(address);
  base::Fd socket(::socket(raw.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return base::io_error(errno, "socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&raw.storage), raw.bytes) != 0) {
    return base::io_error(
        errno, fmt::format("connect to {}", daemon_config::format_listen_address(address)));
  }
  return socket;
}

base::Result<ContextPtr> create_context(const std::string& ca_file) {
  ContextPtr context(::SSL_CTX_new(::TLS_client_method()));
  if (context == nullptr) return tls_error("TLS");
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) return tls_error("TLS");
  if (::SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1) {
    return tls_error(fmt::format("read the certificate to trust, {}", ca_file));
  }
  return context;
}

base::Result<SessionPtr> handshake(SSL_CTX* context, int socket, const std::string& host) {
  SessionPtr session(::SSL_new(context));
  if (session == nullptr || ::SSL_set_fd(session.get(), socket) != 1) return tls_error("TLS");
  if (::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(session.get()), host.c_str()) != 1)
    return tls_error("TLS");
  if (::SSL_connect(session.get()) == 1) return session;
  const long verified = ::SSL_get_verify_result(session.get());
  if (verified == X509_V_OK) return tls_error("TLS handshake");
  return base::denied(fmt::format("the server's certificate is not to be trusted: {}",
                                  ::X509_verify_cert_error_string(verified)));
}

base::Status write_text(SSL* session, std::string_view text) {
  std::size_t written = 0;
  if (text.empty() || ::SSL_write_ex(session, text.data(), text.size(), &written) == 1) return {};
  return tls_error("send the request");
}

// The key is written by itself, from the memory it is guarded in.
base::Status write_request(SSL* session, const HttpsTarget& target, const HttpsRequest& request) {
  TRY(write_text(session,
                 fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", request.method,
                             request.path, daemon_config::format_listen_address(target.address))));
  if (request.api_key != nullptr) {
    TRY(write_text(session, "Authorization: Bearer "));
    TRY(write_text(session, request.api_key->expose_text()));
    TRY(write_text(session, "\r\n"));
  }
  if (request.body.empty()) return write_text(session, "\r\n");
  return write_text(session,
                    fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                                request.body.size(), request.body));
}

base::Result<int> read_response(SSL* session, const BodySink& sink) {
  ResponseParser parser;
  char bytes[16'384];
  std::size_t got = 0;
  while (!parser.complete() && ::SSL_read_ex(session, bytes, sizeof bytes, &got) == 1) {
    std::string body;
    TRY(parser.feed({bytes, got}, body));
    if (!body.empty()) TRY(sink(parser.status(), body));
  }
  if (!parser.complete() && ::SSL_get_error(session, 0) != SSL_ERROR_ZERO_RETURN)
    return tls_error("read the answer");
  TRY(parser.finish());
  return parser.status();
}

}  // namespace

base::Result<int> exchange(const HttpsTarget& target, const HttpsRequest& request,
                           const BodySink& sink) {
  const ContextPtr context = TRY(create_context(target.ca_file));
  const base::Fd socket = TRY(connect_to(target.address));
  const SessionPtr session = TRY(handshake(context.get(), socket.get(), target.address.host));
  TRY(write_request(session.get(), target, request));
  auto status = TRY(read_response(session.get(), sink));
  (void)::SSL_shutdown(session.get());
  return status;
}

}  // namespace daemon_cli
