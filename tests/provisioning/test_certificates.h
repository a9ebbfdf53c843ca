// Certificates for tests, made by OpenSSL on the spot: each one sound until a test says otherwise.
#ifndef TESTS_PROVISIONING_TEST_CERTIFICATES_H_
#define TESTS_PROVISIONING_TEST_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "provisioning/certificate.h"
#include "provisioning/ecdsa_key.h"

namespace provisioning {

struct TestCertificate {
  std::shared_ptr<X509> x509;
  std::shared_ptr<EVP_PKEY> key;

  Der der() const;
  std::string pem() const;
  PrivateKey private_key() const;  // of EC keys
};

enum class TestKey : std::uint8_t {
  kP256,
  kP384,
  kP521,
  kSecp256k1,
  kExplicit,
  kRsa1024,
  kRsa2048,
  kEd25519
};

// An extension in the words of OpenSSL's configuration files (x509v3_config(5)).
using TestExtension = std::pair<std::string, std::string>;

struct CertificateRecipe {
  std::string name;                         // CN
  std::vector<TestExtension> extensions;    // beside the key identifiers
  const TestCertificate* issuer = nullptr;  // null: self-signed
  TestKey key = TestKey::kP256;
  std::int64_t not_before = 1'700'000'000;  // 2023-11-14T22:13:20Z
  std::int64_t not_after = 1'900'000'000;   // 2030-03-17T17:46:40Z
  bool sha1 = false;
};
TestCertificate make_certificate(const CertificateRecipe& recipe);

std::vector<TestExtension> ca_extensions();      // a CA that may sign certificates and CRLs
std::vector<TestExtension> signer_extensions();  // digitalSignature and codeSigning

// A CRL of `issuer` over these, as PEM.
std::string make_crl(const TestCertificate& issuer,
                     const std::vector<const TestCertificate*>& revoked, std::int64_t last_update,
                     std::int64_t next_update);

}  // namespace provisioning

#endif  // TESTS_PROVISIONING_TEST_CERTIFICATES_H_
