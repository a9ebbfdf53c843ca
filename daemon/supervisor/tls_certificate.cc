#include "daemon/supervisor/tls_certificate.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <set>

#include "provisioning/openssl_objects.h"

namespace daemon_supervisor {
namespace {

constexpr std::int64_t kValidDays = 3'650;
constexpr int kSerialBytes = 16;  // random: RFC 5280 section 4.1.2.2 allows up to 20

using provisioning::OpensslFree;
using KeyPtr = provisioning::PkeyOwner;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;
using BioPtr = provisioning::BioOwner;

base::Error openssl_error(std::string_view doing) {
  return base::unavailable(fmt::format("{}: {}", doing, provisioning::openssl_reason()));
}

// Host names come from the system; a strange one is left out rather than put into a certificate.
bool is_dns_name(const std::string& name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
  return !name.empty() && name.size() <= 253 && name.find_first_not_of(kAllowed) == name.npos;
}

std::string alternative_names(std::span<const daemon_config::ListenAddress> addresses,
                              const std::string& host_name) {
  std::set<std::string> names = {"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
  if (is_dns_name(host_name)) names.insert("DNS:" + host_name);
  for (const auto& address : addresses) {
    const bool wildcard = address.host == "0.0.0.0" || address.host == "::";
    if (!wildcard) names.insert("IP:" + address.host);
  }
  return fmt::format("{}", fmt::join(names, ","));
}

base::Status add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context{};
  ::X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(::X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || ::X509_add_ext(certificate, extension.get(), -1) != 1) {
    return openssl_error(fmt::format("certificate extension {}", value));
  }
  return {};
}

base::Status set_random_serial(X509* certificate) {
  unsigned char raw[kSerialBytes];
  if (::RAND_bytes(raw, sizeof raw) != 1) return openssl_error("random serial number");
  raw[0] &= 0x7F;  // positive
  raw[0] |= 0x40;  // and never zero
  BIGNUM* number = ::BN_bin2bn(raw, sizeof raw, nullptr);
  const bool ok = number != nullptr &&
                  ::BN_to_ASN1_INTEGER(number, ::X509_get_serialNumber(certificate)) != nullptr;
  ::BN_free(number);
  if (!ok) return openssl_error("serial number");
  return {};
}

base::Status fill_in(X509* certificate, EVP_PKEY* key, std::int64_t now) {
  TRY(set_random_serial(certificate));
  X509_NAME* name = ::X509_get_subject_name(certificate);
  const auto* common_name = reinterpret_cast<const unsigned char*>("Redoubt");
  const bool ok =
      ::X509_set_version(certificate, X509_VERSION_3) == 1 &&
      // A day of grace for clients whose clock is behind.
      ::ASN1_TIME_adj(::X509_getm_notBefore(certificate), now, -1, 0) != nullptr &&
      ::ASN1_TIME_adj(::X509_getm_notAfter(certificate), now, static_cast<int>(kValidDays), 0) !=
          nullptr &&
      ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
      ::X509_set_issuer_name(certificate, name) == 1 && ::X509_set_pubkey(certificate, key) == 1;
  if (!ok) return openssl_error("certificate fields");
  return {};
}

}  // namespace

base::Result<TlsIdentity> create_self_signed(
    std::span<const daemon_config::ListenAddress> addresses, const std::string& host_name,
    std::int64_t now_unix_seconds) {
  const KeyPtr key(::EVP_EC_gen("P-256"));
  const CertificatePtr certificate(::X509_new());
  if (key == nullptr || certificate == nullptr) return openssl_error("make a TLS key");
  TRY(fill_in(certificate.get(), key.get(), now_unix_seconds));
  // A certificate that is its own authority, so that a client can be given it as the one it trusts.
  TRY(add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  TRY(add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature,keyCertSign"));
  TRY(add_extension(certificate.get(), NID_ext_key_usage, "serverAuth"));
  TRY(add_extension(certificate.get(), NID_subject_key_identifier, "hash"));
  TRY(add_extension(certificate.get(), NID_subject_alt_name,
                    alternative_names(addresses, host_name)));
  if (::X509_sign(certificate.get(), key.get(), ::EVP_sha256()) == 0)
    return openssl_error("sign the certificate");

  const BioPtr certificate_text(::BIO_new(::BIO_s_mem()));
  const BioPtr key_text(::BIO_new(::BIO_s_secmem()));
  if (certificate_text == nullptr || key_text == nullptr ||
      ::PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      ::PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) != 1) {
    return openssl_error("write the certificate");
  }
  const auto text = provisioning::contents_of(certificate_text.get());
  auto private_key = TRY(base::Secret::create(provisioning::contents_of(key_text.get())));
  return TlsIdentity{std::string(reinterpret_cast<const char*>(text.data()), text.size()),
                     std::move(private_key)};
}

}  // namespace daemon_supervisor
