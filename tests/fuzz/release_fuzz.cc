// A release statement from anywhere: what parses is written again, and that text is a fixed point.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/trust/release.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto release = provisioning::parse_release(text);
  if (!release.ok()) {
    if (release.error().message.empty()) std::abort();
    return 0;
  }
  const auto once = provisioning::serialize_release(release.value());
  if (!once.ok()) std::abort();
  const auto again = provisioning::parse_release(once.value());
  if (!again.ok() || provisioning::serialize_release(again.value()).value() != once.value())
    std::abort();
  for (const auto& file : release.value().files) {
    if (release.value().find(file.name) != &file) std::abort();
  }
  return 0;
}
