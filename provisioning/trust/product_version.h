// A version of Redoubt, "0.1.0": one to four decimal numbers, compared as numbers ("1.10" is newer
// than "1.9").
#ifndef PROVISIONING_TRUST_PRODUCT_VERSION_H_
#define PROVISIONING_TRUST_PRODUCT_VERSION_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

#include "hardening/base/result.h"

namespace provisioning {

struct ProductVersion {
  std::array<std::uint32_t, 4> numbers{};  // absent ones are 0: "1.2" equals "1.2.0"

  friend auto operator<=>(const ProductVersion&, const ProductVersion&) = default;
};

// Refuses leading zeros, signs, numbers of more than nine digits and anything else around them.
base::Result<ProductVersion> parse_product_version(std::string_view text);

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_PRODUCT_VERSION_H_
