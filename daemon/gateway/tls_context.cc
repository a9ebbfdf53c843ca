#include "daemon/gateway/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <string>

#include "hardening/base/checked.h"

namespace daemon_gateway {
namespace {

using base::invalid_input;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

base::Result<Bio> memory_bio(std::string_view text) {
  const auto bytes = base::checked_cast<int>(text.size());
  if (!bytes || *bytes == 0) return invalid_input("empty or too large");
  Bio bio(BIO_new_mem_buf(text.data(), *bytes));
  if (bio == nullptr) return base::exhausted("no memory");
  return bio;
}

// Never asks a terminal for a passphrase.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

base::Status use_certificates(SSL_CTX* context, std::string_view pem) {
  const Bio bio = TRY(memory_bio(pem));
  const Certificate leaf(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return invalid_input("no usable certificate in the PEM text");
  }
  while (true) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (next == nullptr) break;
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1)
      return invalid_input("bad certificate chain");
    next.release();  // the context owns it now
  }
  ERR_clear_error();  // the end of the chain reads as an error
  return {};
}

base::Status use_private_key(SSL_CTX* context, std::string_view pem) {
  const Bio bio = TRY(memory_bio(pem));
  const std::unique_ptr<EVP_PKEY, FreeKey> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return invalid_input(
        "no usable private key in the PEM text (encrypted keys are not supported)");
  }
  if (SSL_CTX_check_private_key(context) != 1)
    return invalid_input("does not belong to the certificate");
  return {};
}

// RFC 7301: a client that names protocols must name ours.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned in_length, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_length, kHttp11, sizeof kHttp11 - 1, in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

base::Status configure(SSL_CTX* context, bool tls_1_2) {
  // A client that stops sending without TLS's goodbye cuts nothing off unnoticed: HTTP tells its
  // own lengths.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET |
                                   SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_SINGLE_ECDH_USE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                       SSL_MODE_RELEASE_BUFFERS);  // idle connections keep no record buffers
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  const bool ok =
      SSL_CTX_set_min_proto_version(context, tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!SHA1") == 1 &&
      SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
  if (!ok) return invalid_input("OpenSSL refuses our TLS settings");
  return {};
}

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// OpenSSL can be left with less than it was asked for, after an allocation failed, and not say so:
// such a context would turn every client away. So one handshake is tried, in memory.
base::Status prove(SSL_CTX* server_context) {
  const std::unique_ptr<SSL_CTX, FreeTls> client_context(SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<SSL, FreeTls> server(SSL_new(server_context));
  const std::unique_ptr<SSL, FreeTls> client(
      client_context == nullptr ? nullptr : SSL_new(client_context.get()));
  BIO* server_end = nullptr;
  BIO* client_end = nullptr;
  if (server == nullptr || client == nullptr ||
      BIO_new_bio_pair(&server_end, 0, &client_end, 0) != 1) {
    return base::exhausted("no memory for TLS");
  }
  SSL_set_bio(server.get(), server_end, server_end);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  constexpr int kFlights = 8;  // of either side: more than any handshake has
  for (int i = 0; i < kFlights; ++i) {
    (void)SSL_do_handshake(client.get());
    (void)SSL_do_handshake(server.get());
    if (SSL_is_init_finished(client.get()) == 1 && SSL_is_init_finished(server.get()) == 1)
      return {};
  }
  ERR_clear_error();
  return invalid_input("no handshake succeeds with it");
}

}  // namespace

base::Result<TlsContext> TlsContext::create(const TlsOptions& options) {
  if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr) != 1) {
    return base::exhausted("OpenSSL cannot be initialised");
  }
  Handle context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return base::exhausted("no memory for TLS");
  TRY(configure(context.get(), options.tls_1_2));
  TRY(use_certificates(context.get(), options.certificate_pem).context("TLS certificate"));
  TRY(use_private_key(context.get(), options.private_key_pem).context("TLS private key"));
  TRY(prove(context.get()).context("TLS certificate"));
  return TlsContext(std::move(context));
}

}  // namespace daemon_gateway
