// The keys that sign releases and trust roots. A key's suite is a closed recipe (algorithm,
// parameters, hash), it follows from the key alone, and nothing in a signed document chooses it.
// provisioning/BUNDLE.md section 4.
//
//   ecdsa-p384-sha384       FIPS 186-5, ASN.1 DER signatures
//   ed25519                 RFC 8032
//   ml-dsa-87               FIPS 204, pure, empty context; where the OpenSSL at hand has it (3.5)
//   lms-sha256-m24-h15-w8   RFC 8554 and SP 800-208, by the types of the public key; verified by
//   our own code, signed hss2-…                  elsewhere (signing is stateful and belongs into a
//   device that counts); hssL with L levels
#ifndef PROVISIONING_SIGNATURES_SIGNATURE_KEY_H_
#define PROVISIONING_SIGNATURES_SIGNATURE_KEY_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/base/secret.h"

namespace provisioning {

struct SuiteSupport {
  std::string name;  // "lms-…" and "hss…" stand as "lms"
  bool verifies = false;
  bool signs = false;
  std::string why;  // what is missing; empty when both are there
};
// What this build with the OpenSSL at hand can do, known-answer tested; for people and for `keys
// suites`.
std::vector<SuiteSupport> suites_at_hand();

class VerifyKey {
 public:
  // PEM SubjectPublicKeyInfo (LMS: RFC 9708). kUnsupported names what it is when no suite fits; a
  // key of a suite that the OpenSSL at hand lacks is parsed, and only verify() fails.
  static base::Result<VerifyKey> parse_pem(std::string_view pem);

  const std::string& suite() const;
  const std::string& pem() const;  // as we write it, whatever the file looked like
  const std::string& id() const;   // SHA-256 of pem(), lower-case hex

  // kDenied unless the signature is this key's over the message; kUnsupported when this build
  // cannot tell.
  base::Status verify(std::span<const std::byte> message,
                      std::span<const std::byte> signature) const;

  struct Parts;
  explicit VerifyKey(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

 private:
  std::shared_ptr<const Parts> parts_;  // immutable: copies share it
};

class SigningKey {
 public:
  // kUnsupported when this build cannot sign with that suite.
  static base::Result<SigningKey> generate(std::string_view suite);
  // PKCS#8 or SEC 1 PEM; `password` for an encrypted one (kDenied when it is wrong or missing).
  static base::Result<SigningKey> parse_pem(const base::Secret& pem, const base::Secret* password);
  // A key in a token: an RFC 7512 "pkcs11:" URI, through the provider or engine that OpenSSL has
  // for it. `module-path` alone may follow its question mark; `pin` may be null, and nobody is
  // asked for one then. kDenied when the token does not give such a key, kUnsupported when there is
  // no way to tokens here. Once in a process: an engine stays logged in.
  static base::Result<SigningKey> open_uri(std::string_view uri, const base::Secret* pin);

  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  base::Result<VerifyKey> verify_key() const;
  // A signature that was verified before it is returned.
  base::Result<std::vector<std::byte>> sign(std::span<const std::byte> message) const;
  // PKCS#8 PEM; encrypted with AES-256-CBC and PBKDF2 when a password is given. kUnsupported for a
  // key in a token.
  base::Result<base::Secret> serialize_pem(const base::Secret* password) const;

  struct Parts;
  explicit SigningKey(std::unique_ptr<Parts> parts);

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace provisioning

#endif  // PROVISIONING_SIGNATURES_SIGNATURE_KEY_H_
