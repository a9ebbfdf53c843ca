#include "tests/provisioning/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <span>

#include "hardening/base/check.h"
#include "hardening/base/secret.h"

namespace provisioning {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;

Key own(EVP_PKEY* key) {
  CHECK(key != nullptr);
  return {key, EVP_PKEY_free};
}

EVP_PKEY* explicit_p256() {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr);
  EVP_PKEY* key = nullptr;
  CHECK(EVP_PKEY_keygen_init(context) == 1);
  CHECK(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1);
  CHECK(EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_EXPLICIT_CURVE) == 1);
  CHECK(EVP_PKEY_keygen(context, &key) == 1);
  EVP_PKEY_CTX_free(context);
  return key;
}

Key make_key(TestKey kind) {
  switch (kind) {
    case TestKey::kP256:
      return own(EVP_EC_gen("P-256"));
    case TestKey::kP384:
      return own(EVP_EC_gen("P-384"));
    case TestKey::kP521:
      return own(EVP_EC_gen("P-521"));
    case TestKey::kSecp256k1:
      return own(EVP_EC_gen("secp256k1"));
    case TestKey::kExplicit:
      return own(explicit_p256());
    case TestKey::kRsa1024:
      return own(EVP_RSA_gen(1024));
    case TestKey::kRsa2048:
      return own(EVP_RSA_gen(2048));
    case TestKey::kEd25519:
      return own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return {};
}

std::string drain(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(memory);
  return text;
}

void add_extension(X509* certificate, X509* issuer, const TestExtension& wanted) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  X509_EXTENSION* extension =
      X509V3_EXT_nconf(nullptr, &context, wanted.first.c_str(), wanted.second.c_str());
  CHECK(extension != nullptr);
  CHECK(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

const EVP_MD* digest_for(EVP_PKEY* key, bool sha1) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) return nullptr;
  return sha1 ? EVP_sha1() : EVP_sha256();
}

}  // namespace

Der TestCertificate::der() const {
  unsigned char* out = nullptr;
  const int size = i2d_X509(x509.get(), &out);
  CHECK(size > 0);
  const auto bytes = std::as_bytes(std::span(out, static_cast<std::size_t>(size)));
  Der der(bytes.begin(), bytes.end());
  OPENSSL_free(out);
  return der;
}

std::string TestCertificate::pem() const {
  BIO* out = BIO_new(BIO_s_mem());
  CHECK(PEM_write_bio_X509(out, x509.get()) == 1);
  return drain(out);
}

PrivateKey TestCertificate::private_key() const {
  BIO* out = BIO_new(BIO_s_mem());
  CHECK(PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return PrivateKey::parse_pem(base::Secret::create(drain(out)).value(), nullptr).value();
}

TestCertificate make_certificate(const CertificateRecipe& recipe) {
  static long serial = 0;
  TestCertificate made{{X509_new(), X509_free}, make_key(recipe.key)};
  X509* x = made.x509.get();
  X509* issuer = recipe.issuer == nullptr ? x : recipe.issuer->x509.get();
  EVP_PKEY* issuer_key = recipe.issuer == nullptr ? made.key.get() : recipe.issuer->key.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(x), recipe.not_before);
  ASN1_TIME_set(X509_getm_notAfter(x), recipe.not_after);
  CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(recipe.name.c_str()), -1,
                                   -1, 0) == 1);
  X509_set_issuer_name(x, X509_get_subject_name(issuer));
  X509_set_pubkey(x, made.key.get());
  add_extension(x, issuer, {"subjectKeyIdentifier", "hash"});
  add_extension(x, issuer,
                {"authorityKeyIdentifier", recipe.issuer == nullptr ? "keyid" : "keyid:always"});
  for (const TestExtension& extension : recipe.extensions) add_extension(x, issuer, extension);
  CHECK(X509_sign(x, issuer_key, digest_for(issuer_key, recipe.sha1)) > 0);
  return made;
}

std::vector<TestExtension> ca_extensions() {
  return {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "critical,keyCertSign,cRLSign"}};
}

std::vector<TestExtension> signer_extensions() {
  return {{"keyUsage", "critical,digitalSignature"}, {"extendedKeyUsage", "codeSigning"}};
}

std::string make_crl(const TestCertificate& issuer,
                     const std::vector<const TestCertificate*>& revoked, std::int64_t last_update,
                     std::int64_t next_update) {
  const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> crl(X509_CRL_new(), X509_CRL_free);
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> last(
      ASN1_TIME_set(nullptr, last_update), ASN1_TIME_free);
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> next(
      ASN1_TIME_set(nullptr, next_update), ASN1_TIME_free);
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.x509.get()));
  X509_CRL_set1_lastUpdate(crl.get(), last.get());
  X509_CRL_set1_nextUpdate(crl.get(), next.get());
  for (const TestCertificate* certificate : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate->x509.get()));
    X509_REVOKED_set_revocationDate(entry, last.get());
    CHECK(X509_CRL_add0_revoked(crl.get(), entry) == 1);
  }
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.x509.get(), nullptr, nullptr, crl.get(), 0);
  X509_EXTENSION* identifier =
      X509V3_EXT_nconf(nullptr, &context, "authorityKeyIdentifier", "keyid");
  CHECK(identifier != nullptr && X509_CRL_add_ext(crl.get(), identifier, -1) == 1);
  X509_EXTENSION_free(identifier);
  CHECK(X509_CRL_sign(crl.get(), issuer.key.get(), EVP_sha256()) > 0);
  BIO* out = BIO_new(BIO_s_mem());
  CHECK(PEM_write_bio_X509_CRL(out, crl.get()) == 1);
  return drain(out);
}

}  // namespace provisioning
