// SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) in DER: what every public key of ours stands in.
//
// Read strictly: only what make_spki would write is taken, so that one key has one encoding and one
// id. A key that had two would meet a threshold of two by itself.
#ifndef PROVISIONING_SIGNATURES_SPKI_H_
#define PROVISIONING_SIGNATURES_SPKI_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace provisioning {

using Bytes = std::vector<std::byte>;

struct Spki {
  Bytes der;         // all of it
  Bytes algorithm;   // contents of the object identifier
  Bytes parameters;  // as they stand, tag and length included; empty when absent
  Bytes key;         // contents of the bit string, whole bytes
};

// kInvalidInput says what is not as DER has it.
base::Result<Spki> parse_spki(std::span<const std::byte> der);
Bytes make_spki(std::span<const std::byte> algorithm, std::span<const std::byte> parameters,
                std::span<const std::byte> key);

// "rsaEncryption", or dotted numbers for what OpenSSL has no name for.
std::string oid_name(std::span<const std::byte> contents);

// The one PEM block "PUBLIC KEY" in a text (text around it is allowed, a second block of any kind
// is not), and the way back: lines of 64, as OpenSSL writes it.
base::Result<Bytes> public_pem_to_der(std::string_view pem);
std::string der_to_public_pem(std::span<const std::byte> der);

}  // namespace provisioning

#endif  // PROVISIONING_SIGNATURES_SPKI_H_
