// A plain TLS client for tests: blocking, with a deadline, and with every way of behaving badly.
#ifndef TESTS_DAEMON_GATEWAY_TLS_CLIENT_H_
#define TESTS_DAEMON_GATEWAY_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace daemon_gateway {

struct HttpAnswer {
  int status = 0;    // 0: the connection ended before an answer was complete
  std::string head;  // as received
  std::string body;  // chunks joined
  std::string header(std::string_view name) const;  // "" when absent
};

class TlsClient {
 public:
  struct Options {
    int receive_buffer_bytes = 0;  // 0: the kernel's choice
    int tls_version_max = TLS1_3_VERSION;
  };

  explicit TlsClient(std::uint16_t port) : TlsClient(port, Options()) {}
  TlsClient(std::uint16_t port, Options options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool connected() const { return connected_; }  // TLS included
  int fd() const { return fd_; }
  std::string peer_certificate() const;  // DER; "" without one

  bool send(std::string_view text);
  void send_raw(std::string_view text);  // past TLS
  // The next answer of the connection; head only when `head_only`.
  HttpAnswer receive(bool head_only = false);
  // Reads until the body so far contains `text`, or the end; what was read stays in received().
  bool read_until(std::string_view text);
  const std::string& received() const { return buffer_; }
  bool at_end();          // waits for the peer to close
  void shutdown_write();  // a half-close of the socket
  void close(bool reset = false);

 private:
  bool fill();

  int fd_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
  std::string buffer_;
};

// A TCP connection to this machine that says nothing; -1 on failure.
int connect_plain(std::uint16_t port);

// A self-signed certificate for "localhost" and its key, as PEM.
struct TestIdentity {
  std::string certificate_pem;
  std::string private_key_pem;
};
TestIdentity make_identity();

}  // namespace daemon_gateway

#endif  // TESTS_DAEMON_GATEWAY_TLS_CLIENT_H_
