// Base64 (RFC 4648): strict on the way in, the standard alphabet on the way out.
#ifndef PROVISIONING_BASE64_H_
#define PROVISIONING_BASE64_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace provisioning {

std::string to_base64(std::span<const std::byte> bytes);

// Accepts the standard and the URL-safe alphabet (DSSE asks verifiers for both) but never a mix, always with
// padding. Refuses foreign bytes and bits that are not zero behind the last byte, so that each value has one
// text per alphabet.
base::Result<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace provisioning

#endif  // PROVISIONING_BASE64_H_
