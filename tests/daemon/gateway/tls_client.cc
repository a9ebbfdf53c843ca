#include "tests/daemon/gateway/tls_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace daemon_gateway {
namespace {

constexpr int kTimeoutSeconds = 20;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

std::string HttpAnswer::header(std::string_view name) const {
  std::size_t at = 0;
  while ((at = head.find("\r\n", at)) != std::string::npos) {
    at += 2;
    if (::strncasecmp(head.c_str() + at, name.data(), name.size()) != 0 ||
        head[at + name.size()] != ':')
      continue;
    const std::size_t begin = at + name.size() + 2;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  return {};
}

int connect_plain(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

TlsClient::TlsClient(std::uint16_t port, Options options) : fd_(connect_plain(port)) {
  const timeval timeout{kTimeoutSeconds, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer_bytes,
                 sizeof options.receive_buffer_bytes);
  }
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context_, options.tls_version_max);
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, fd_);
  connected_ = SSL_connect(ssl_) == 1;
}

TlsClient::~TlsClient() {
  close();
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

std::string TlsClient::peer_certificate() const {
  X509* const certificate = ssl_ != nullptr ? SSL_get1_peer_certificate(ssl_) : nullptr;
  if (certificate == nullptr) return "";
  unsigned char* der = nullptr;
  const int bytes = i2d_X509(certificate, &der);
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(bytes));
  OPENSSL_free(der);
  X509_free(certificate);
  return text;
}

bool TlsClient::send(std::string_view text) {
  while (!text.empty()) {
    std::size_t written = 0;
    if (SSL_write_ex(ssl_, text.data(), text.size(), &written) != 1) return false;
    text.remove_prefix(written);
  }
  return true;
}

void TlsClient::send_raw(std::string_view text) {
  [[maybe_unused]] const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
}

bool TlsClient::fill() {
  char chunk[16'384];
  std::size_t got = 0;
  if (SSL_read_ex(ssl_, chunk, sizeof chunk, &got) != 1) return false;
  buffer_.append(chunk, got);
  return true;
}

bool TlsClient::at_end() {
  while (fill()) {
  }
  return true;
}

bool TlsClient::read_until(std::string_view text) {
  while (buffer_.find(text) == std::string::npos) {
    if (!fill()) return false;
  }
  return true;
}

HttpAnswer TlsClient::receive(bool head_only) {
  HttpAnswer answer;
  if (!read_until("\r\n\r\n")) return {};
  const std::size_t head_end = buffer_.find("\r\n\r\n") + 4;
  answer.head = buffer_.substr(0, head_end);
  buffer_.erase(0, head_end);
  const int status = std::atoi(answer.head.c_str() + 9);
  if (head_only || status == 100) {
    answer.status = status;
    return answer;
  }
  if (answer.header("Transfer-Encoding") == "chunked") {
    while (true) {
      if (!read_until("\r\n")) return {};
      const std::size_t size = std::strtoul(buffer_.c_str(), nullptr, 16);
      const std::size_t start = buffer_.find("\r\n") + 2;
      while (buffer_.size() < start + size + 2) {
        if (!fill()) return {};
      }
      answer.body += buffer_.substr(start, size);
      buffer_.erase(0, start + size + 2);
      if (size == 0) break;
    }
  } else if (const std::string length = answer.header("Content-Length"); !length.empty()) {
    const std::size_t size = std::strtoul(length.c_str(), nullptr, 10);
    while (buffer_.size() < size) {
      if (!fill()) return {};
    }
    answer.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else {
    at_end();
    answer.body.swap(buffer_);
  }
  answer.status = status;
  return answer;
}

void TlsClient::shutdown_write() {
  ::shutdown(fd_, SHUT_WR);
}

void TlsClient::close(bool reset) {
  if (fd_ < 0) return;
  if (reset) {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  ::close(fd_);
  fd_ = -1;
}

TestIdentity make_identity() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  BIO* const certificate_bio = BIO_new(BIO_s_mem());
  BIO* const key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_bio, certificate);
  PEM_write_bio_PrivateKey(key_bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {text_of(certificate_bio), text_of(key_bio)};
}

}  // namespace daemon_gateway
