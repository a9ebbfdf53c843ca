// model.sig: a sigstore bundle v0.3 around a DSSE envelope, as OpenSSF Model Signing v1.0 writes it for its
// method "key". provisioning/BUNDLE.md sections 1 and 2.
#ifndef PROVISIONING_ENVELOPE_H_
#define PROVISIONING_ENVELOPE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/ecdsa_key.h"

namespace provisioning {

// Parsed, nothing verified.
struct Envelope {
  std::string hint;                   // names the key; empty when the file does not say
  std::string payload;                // exactly the bytes that are signed
  std::vector<std::byte> signature;   // ASN.1 DER
};

base::Result<Envelope> parse_envelope(std::string_view text);
std::string serialize_envelope(const Envelope& envelope);

// Signs a payload: the envelope of its text.
base::Result<Envelope> seal_payload(std::string payload, const PrivateKey& key);

// Which of the trusted keys signed it. kDenied when none did, or when the envelope names a key that is not
// among them. Requires at least one key.
base::Result<const PublicKey*> verify_envelope(const Envelope& envelope, std::span<const PublicKey> trusted);

}  // namespace provisioning

#endif  // PROVISIONING_ENVELOPE_H_
