#include "daemon/supervisor/tls_certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

namespace daemon_supervisor {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio open_text(std::string_view text) {
  return {::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &::BIO_free};
}
Certificate parse_certificate(const std::string& pem) {
  return {::PEM_read_bio_X509(open_text(pem).get(), nullptr, nullptr, nullptr), &::X509_free};
}
Key parse_key(std::string_view pem) {
  return {::PEM_read_bio_PrivateKey(open_text(pem).get(), nullptr, nullptr, nullptr),
          &::EVP_PKEY_free};
}

TlsIdentity make_identity() {
  const std::vector<daemon_config::ListenAddress> addresses = {
      {"192.0.2.7", 8443, false}, {"2001:db8::7", 8443, true}, {"0.0.0.0", 8443, false}};
  auto identity = create_self_signed(addresses, "appliance-3.site.example", std::time(nullptr));
  EXPECT_TRUE(identity.ok()) << identity.error().message;
  return std::move(identity).value();
}

TEST(TlsCertificate, IsValidForTheAddressesItServes) {
  const auto certificate = parse_certificate(make_identity().certificate_pem);
  ASSERT_NE(certificate, nullptr);
  for (const char* ip : {"192.0.2.7", "2001:db8::7", "127.0.0.1", "::1"}) {
    EXPECT_EQ(::X509_check_ip_asc(certificate.get(), ip, 0), 1) << ip;
  }
  for (const char* host : {"localhost", "appliance-3.site.example"}) {
    EXPECT_EQ(::X509_check_host(certificate.get(), host, 0, 0, nullptr), 1) << host;
  }
  EXPECT_EQ(::X509_check_ip_asc(certificate.get(), "0.0.0.0", 0), 0);
  EXPECT_EQ(::X509_check_host(certificate.get(), "elsewhere.example", 0, 0, nullptr), 0);
}

TEST(TlsCertificate, FitsItsPrivateKeyAndSignsItself) {
  const TlsIdentity identity = make_identity();
  const auto certificate = parse_certificate(identity.certificate_pem);
  const auto key = parse_key(identity.private_key_pem.expose_text());
  ASSERT_NE(certificate, nullptr);
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(::X509_check_private_key(certificate.get(), key.get()), 1);
  EXPECT_EQ(::X509_verify(certificate.get(), key.get()), 1);
}

// As a client does that was handed the file.
TEST(TlsCertificate, IsAcceptedByAVerifierThatTrustsIt) {
  const auto certificate = parse_certificate(make_identity().certificate_pem);
  X509_STORE* store = ::X509_STORE_new();
  X509_STORE_CTX* context = ::X509_STORE_CTX_new();
  ::X509_STORE_add_cert(store, certificate.get());
  ::X509_STORE_CTX_init(context, store, certificate.get(), nullptr);
  ::X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
  ::X509_VERIFY_PARAM_set_flags(::X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
  EXPECT_EQ(::X509_verify_cert(context), 1)
      << ::X509_verify_cert_error_string(::X509_STORE_CTX_get_error(context));
  ::X509_STORE_CTX_free(context);
  ::X509_STORE_free(store);
}

TEST(TlsCertificate, LastsTenYears) {
  const auto certificate = parse_certificate(make_identity().certificate_pem);
  std::time_t in_nine_years = std::time(nullptr) + 9 * 365 * 86'400L;
  std::time_t in_eleven_years = std::time(nullptr) + 11 * 366 * 86'400L;
  EXPECT_LT(::X509_cmp_time(::X509_get0_notBefore(certificate.get()), nullptr), 0);
  EXPECT_GT(::X509_cmp_time(::X509_get0_notAfter(certificate.get()), &in_nine_years), 0);
  EXPECT_LT(::X509_cmp_time(::X509_get0_notAfter(certificate.get()), &in_eleven_years), 0);
}

TEST(TlsCertificate, NoTwoHaveTheSameSerialOrKey) {
  const TlsIdentity a = make_identity();
  const TlsIdentity b = make_identity();
  const auto first = parse_certificate(a.certificate_pem);
  const auto second = parse_certificate(b.certificate_pem);
  EXPECT_NE(::ASN1_INTEGER_cmp(::X509_get0_serialNumber(first.get()),
                               ::X509_get0_serialNumber(second.get())),
            0);
  EXPECT_NE(a.private_key_pem.expose_text(), b.private_key_pem.expose_text());
}

TEST(TlsCertificate, LeavesOutAHostNameThatIsNone) {
  const auto identity = create_self_signed({}, "evil,DNS:other.example", std::time(nullptr));
  ASSERT_TRUE(identity.ok());
  const auto certificate = parse_certificate(identity.value().certificate_pem);
  EXPECT_EQ(::X509_check_host(certificate.get(), "other.example", 0, 0, nullptr), 0);
  EXPECT_EQ(::X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
}

}  // namespace
}  // namespace daemon_supervisor
