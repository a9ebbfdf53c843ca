// Certificates that vouch for the key of a model signature: OpenSSF Model Signing's method
// "certificate", verified by stricter rules than the reference tool has.
//
//   - The chain ends at a configured self-signed root (RFC 5280, section 6); nothing a bundle
//   brings is an anchor, and
//     nothing in between is. A configured certificate that is not self-signed helps to build the
//     chain.
//   - The leaf is no CA, says extended key usage codeSigning, and digitalSignature where it has a
//   key usage; issuers
//     that limit their extended key usage include codeSigning (or any). Its key is on P-256, P-384
//     or P-521, named.
//   - CA keys are RSA of 2048 bits or more or EC on those curves, and SHA-1 signs nothing: 112 bits
//   of strength, which NIST
//     SP 800-57 part 1 accepts until 2030 and many roots in the field have no more of.
//   - Path lengths, name constraints and critical extensions that are not understood are enforced
//   (X509_V_FLAG_X509_STRICT).
//   - When any CRL is configured, each certificate of the chain but the root needs one of its
//   issuer that is not past its next
//     update. A CRL from after `time` counts: a time floor lags behind, a revocation does not.
#ifndef PROVISIONING_CERTIFICATE_H_
#define PROVISIONING_CERTIFICATE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/ecdsa_key.h"

namespace provisioning {

inline constexpr std::size_t kCertificatesMax = 8;                // in one signature
inline constexpr std::size_t kCertificateBytesMax = 16u << 10;    // each, DER
inline constexpr int kIntermediatesMax = 5;                       // between leaf and root
inline constexpr std::size_t kRootCertificatesMax = 256;          // configured, in all
inline constexpr std::size_t kCertificatePemBytesMax = 1u << 20;  // each PEM text
inline constexpr std::size_t kCrlBytesMax = 4u << 20;             // each PEM text
inline constexpr std::size_t kCrlsMax = 64;

using Der = std::vector<std::byte>;

enum class CertificateTime : std::uint8_t {
  kAt,         // every certificate is valid at `time`
  kNotBefore,  // at the leaf's own notBefore: expiry never ends a signature, as in the reference
               // tool
};

struct CertificateTrust {
  std::vector<std::string> roots;     // PEM texts, each with one certificate or more
  std::vector<std::string> crls;      // PEM texts, each with one CRL or more
  std::vector<std::string> subjects;  // leaf subjects allowed, as `openssl x509 -nameopt RFC2253`
                                      // prints them; empty: any
  CertificateTime time_policy = CertificateTime::kAt;
  std::int64_t time = 0;  // unix seconds: now, or the least it can be; what CRLs are measured by
                          // under either policy
};

// A key, and who its certificate says holds it.
struct CertifiedKey {
  PublicKey key;
  std::string id;       // SHA-256 of the leaf's DER, lower-case hex
  std::string subject;  // RFC 2253, ASCII
};

// The certificates of a PEM text, as DER; at least one. kExhausted beyond `count_max`.
base::Result<std::vector<Der>> parse_certificates_pem(std::string_view pem, std::size_t count_max);

// The key of the first certificate, as far as it says so itself; the leaf's rules, no chain. For
// signers and for inspection.
base::Result<CertifiedKey> read_leaf(std::span<const std::byte> der);

// Verifies a chain, leaf first, the others in any order. kDenied names the certificate and the
// rule, both times where time is the reason; kInvalidInput or kExhausted for what is not a
// certificate or beyond the limits.
base::Result<CertifiedKey> verify_certificates(std::span<const Der> chain,
                                               const CertificateTrust& trust);

}  // namespace provisioning

#endif  // PROVISIONING_CERTIFICATE_H_
