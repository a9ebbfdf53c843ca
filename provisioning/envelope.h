// model.sig: a sigstore bundle v0.3 around a DSSE envelope, as OpenSSF Model Signing v1.0 writes it
// for its methods "key" and "certificate". provisioning/BUNDLE.md section 6.
#ifndef PROVISIONING_ENVELOPE_H_
#define PROVISIONING_ENVELOPE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/certificate.h"
#include "provisioning/ecdsa_key.h"

namespace provisioning {

enum class SignatureMethod : std::uint8_t { kKey, kCertificate };
std::string_view method_name(SignatureMethod method);  // "key", "certificate"

// Parsed, nothing verified.
struct Envelope {
  SignatureMethod method = SignatureMethod::kKey;
  std::string hint;                  // method key: names the key; empty when the file does not say
  std::vector<Der> certificates;     // method certificate: leaf first, at most kCertificatesMax
  std::string payload;               // exactly the bytes that are signed
  std::vector<std::byte> signature;  // ASN.1 DER
};

// What a signature may rest on. Keys are borrowed.
struct SignatureTrust {
  std::span<const PublicKey> keys;
  CertificateTrust certificates;   // no roots: method certificate is not taken
  bool accept_empty_hint = false;  // let a signature that names no key be tried with each (written
                                   // by tools before 1.1.0)
};

struct Signer {
  SignatureMethod method = SignatureMethod::kKey;
  std::string id;       // the key's hint, or SHA-256 of the leaf's DER
  std::string subject;  // of the certificate, RFC 2253; empty for a key
};

base::Result<Envelope> parse_envelope(std::string_view text);
std::string serialize_envelope(const Envelope& envelope);

// Signs a payload: the envelope of its text.
base::Result<Envelope> seal_payload(std::string payload, const PrivateKey& key);
// The same by method certificate: leaf first, of this very key; kDenied when we would not take that
// leaf ourselves.
base::Result<Envelope> seal_payload(std::string payload, const PrivateKey& key,
                                    std::vector<Der> certificates);

// Who signed it. kDenied when nobody that is trusted did, naming the reason; other codes when a
// certificate is malformed.
base::Result<Signer> verify_envelope(const Envelope& envelope, const SignatureTrust& trust);

// By keys alone: which of them. Requires a hint.
base::Result<const PublicKey*> verify_envelope(const Envelope& envelope,
                                               std::span<const PublicKey> trusted);

}  // namespace provisioning

#endif  // PROVISIONING_ENVELOPE_H_
