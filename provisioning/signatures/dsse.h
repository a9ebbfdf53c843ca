// A DSSE envelope with any number of signatures (secure-systems-lab/dsse, protocol.md and
// envelope.md), as releases and trust roots come in. provisioning/BUNDLE.md section 3.
#ifndef PROVISIONING_SIGNATURES_DSSE_H_
#define PROVISIONING_SIGNATURES_DSSE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "provisioning/signatures/signature_key.h"

namespace provisioning {

inline constexpr std::string_view kReleasePayloadType = "application/vnd.redoubt.release+json";
inline constexpr std::string_view kRootPayloadType = "application/vnd.redoubt.root+json";
inline constexpr std::string_view kTimePayloadType = "application/vnd.redoubt.time+json";

struct DsseSignature {
  std::string key_id;  // 64 lower-case hex digits
  std::vector<std::byte> bytes;
};

// Parsed, nothing verified.
struct Dsse {
  std::string payload_type;
  std::string payload;  // decoded
  std::vector<DsseSignature> signatures;
};

// Refuses another payload type, more than `bytes_max` bytes, more than 64 signatures, a key id
// twice, a signature of more than 64 KiB. White space may follow (a bundle's padding).
base::Result<Dsse> parse_dsse(std::string_view text, std::string_view payload_type,
                              std::size_t bytes_max);
// Compact, signatures in the order of their key ids.
std::string serialize_dsse(const Dsse& envelope);

// What is signed.
std::string dsse_pae(std::string_view payload_type, std::string_view payload);

// Signs; replaces a signature that key has made before.
base::Status add_signature(Dsse& envelope, const SigningKey& key);
// Takes over the signatures of `other` but for those of keys that are here already; kInvalidInput
// when it is of another payload.
base::Status merge_signatures(Dsse& envelope, const Dsse& other);

}  // namespace provisioning

#endif  // PROVISIONING_SIGNATURES_DSSE_H_
