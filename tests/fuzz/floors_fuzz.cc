// floors.json and anchor.json as a disk may hold them: what parses is written again, and that text
// is a fixed point.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/trust/anchor.h"
#include "provisioning/trust/floors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto floors = provisioning::Floors::parse(text); floors.ok()) {
    const std::string once = floors.value().serialize();
    const auto again = provisioning::Floors::parse(once);
    if (!again.ok() || again.value().serialize() != once) std::abort();
  }
  if (const auto anchor = provisioning::AnchorSettings::parse(text); anchor.ok()) {
    const std::string once = anchor.value().serialize();
    const auto again = provisioning::AnchorSettings::parse(once);
    if (!again.ok() || again.value().serialize() != once) std::abort();
  }
  return 0;
}
