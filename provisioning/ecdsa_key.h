// ECDSA keys of the three curves OpenSSF Model Signing knows; the hash follows from the curve:
// P-256 with SHA-256, P-384 with SHA-384, P-521 with SHA-512. Anything else is refused when it is
// read; so is a curve that is spelled out in parameters instead of named, even when the parameters
// are those of a known one.
#ifndef PROVISIONING_ECDSA_KEY_H_
#define PROVISIONING_ECDSA_KEY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "hardening/base/secret.h"

struct evp_pkey_st;

namespace provisioning {

enum class Curve : std::uint8_t { kP256, kP384, kP521 };
std::string_view curve_name(Curve curve);  // "P-256", …
std::optional<Curve> find_curve(std::string_view name);

struct FreePkey {
  void operator()(evp_pkey_st* key) const;
};
using PkeyPtr = std::unique_ptr<evp_pkey_st, FreePkey>;

class PublicKey {
 public:
  // PEM SubjectPublicKeyInfo; text around it is allowed, a second key is not looked for.
  static base::Result<PublicKey> parse_pem(std::string_view pem);
  // DER SubjectPublicKeyInfo, and nothing behind it.
  static base::Result<PublicKey> parse_der(std::span<const std::byte> der);

  Curve curve() const { return curve_; }
  // The key as OpenSSL writes it, whatever the file it came from looked like.
  const std::string& pem() const { return pem_; }
  // SHA-256 of pem() in lower-case hex: how a signature names its key (OMS "hint").
  const std::string& hint() const { return hint_; }

  // kDenied unless `signature` (ASN.1 DER) is this key's over `message`.
  base::Status verify(std::span<const std::byte> message,
                      std::span<const std::byte> signature) const;

 private:
  friend class PrivateKey;
  static base::Result<PublicKey> adopt(PkeyPtr key);
  PublicKey(PkeyPtr key, Curve curve, std::string pem, std::string hint);

  PkeyPtr key_;
  Curve curve_;
  std::string pem_;
  std::string hint_;
};

class PrivateKey {
 public:
  static base::Result<PrivateKey> generate(Curve curve);
  // PEM, PKCS#8 or SEC 1; `password` for an encrypted one (kDenied when it is wrong or missing).
  static base::Result<PrivateKey> parse_pem(const base::Secret& pem, const base::Secret* password);

  Curve curve() const { return curve_; }
  base::Result<PublicKey> public_key() const;
  // ASN.1 DER ECDSA signature.
  base::Result<std::vector<std::byte>> sign(std::span<const std::byte> message) const;
  // PKCS#8 PEM; encrypted with AES-256-CBC and PBKDF2 when a password is given.
  base::Result<base::Secret> serialize_pem(const base::Secret* password) const;

 private:
  PrivateKey(PkeyPtr key, Curve curve) : key_(std::move(key)), curve_(curve) {}

  PkeyPtr key_;
  Curve curve_;
};

}  // namespace provisioning

#endif  // PROVISIONING_ECDSA_KEY_H_
