// An envelope from anywhere: what parses serialises to a fixed point, and merging it into itself
// changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/signatures/dsse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kBytesMax = 1u << 20;
  auto envelope = provisioning::parse_dsse(text, provisioning::kReleasePayloadType, kBytesMax);
  if (!envelope.ok()) return 0;
  const std::string once = provisioning::serialize_dsse(envelope.value());
  const auto again =
      provisioning::parse_dsse(once, provisioning::kReleasePayloadType, 2 * kBytesMax);
  if (!again.ok() || provisioning::serialize_dsse(again.value()) != once) std::abort();
  if (again.value().payload != envelope.value().payload) std::abort();
  if (!provisioning::merge_signatures(envelope.value(), again.value()).ok()) std::abort();
  if (provisioning::serialize_dsse(envelope.value()) != once) std::abort();
  return 0;
}
