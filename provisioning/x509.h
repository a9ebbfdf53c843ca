// Certificates as OpenSSL holds them, for certificate.cc and certificate_chain.cc. Internal.
#ifndef PROVISIONING_X509_H_
#define PROVISIONING_X509_H_

#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/ecdsa_key.h"
#include "provisioning/openssl_objects.h"

namespace provisioning {

using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;

// Exactly one certificate of at most kCertificateBytesMax.
base::Result<X509Ptr> parse_certificate(std::span<const std::byte> der);
base::Result<std::vector<X509Ptr>> parse_pem_certificates(std::string_view pem,
                                                          std::size_t count_max);

// RFC 2253, ASCII; what is not ASCII is escaped.
std::string name_text(const X509_NAME* name);
// The subject for a message: cut when it is long.
std::string shown_subject(const X509* certificate);

// Unix seconds; kInvalidInput when the time is malformed.
base::Result<std::int64_t> unix_time(const ASN1_TIME* time);
// For messages, whatever the time.
std::string shown_time(std::int64_t unix_seconds);

// The key, when it is one that model signatures are made with.
base::Result<PublicKey> signing_key_of(const X509* certificate);

// What a signer's certificate says of itself. kDenied names the rule.
base::Status check_leaf(X509* leaf);

}  // namespace provisioning

#endif  // PROVISIONING_X509_H_
