// Key bytes and signature bytes from anywhere. A first byte says how long the key is; what is not
// changed from a vector that holds must not hold, so nothing may ever verify over this message,
// which nobody has signed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "provisioning/signatures/lms.h"
#include "provisioning/signatures/signature_key.h"
#include "provisioning/signatures/spki.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::size_t key_bytes = std::min<std::size_t>(data[0], size - 1);
  const auto key_part = bytes.subspan(1, key_bytes);
  const auto signature = bytes.subspan(1 + key_bytes);
  constexpr std::string_view kUnsigned = "a message that nobody has signed";
  if (const auto key = provisioning::HssPublicKey::parse(key_part); key.ok()) {
    if (key.value().verify(std::as_bytes(std::span(kUnsigned)), signature).ok()) std::abort();
  }
  // The same bytes as a whole public key: what is taken has one encoding.
  if (const auto spki = provisioning::parse_spki(bytes); spki.ok()) {
    const auto key = provisioning::VerifyKey::parse_pem(provisioning::der_to_public_pem(bytes));
    if (key.ok() && key.value().pem() != provisioning::der_to_public_pem(bytes)) std::abort();
  }
  return 0;
}
