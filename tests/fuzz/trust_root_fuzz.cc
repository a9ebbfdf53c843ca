// A trust root and a time statement from anywhere: what parses is written again, and that text is a
// fixed point; and as an envelope, nothing opens that no key has signed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/trust/trust_root.h"
#include "provisioning/utc_time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto root = provisioning::parse_trust_root(text); root.ok()) {
    const auto once = provisioning::serialize_trust_root(root.value());
    if (!once.ok()) std::abort();
    const auto again = provisioning::parse_trust_root(once.value());
    if (!again.ok() || provisioning::serialize_trust_root(again.value()).value() != once.value())
      std::abort();
    const provisioning::Dsse unsigned_envelope{
        std::string(provisioning::kRootPayloadType), std::string(text), {}};
    if (provisioning::check_signatures(unsigned_envelope, root.value(), root.value().root).ok())
      std::abort();
  }
  if (const auto time = provisioning::parse_utc_time(text); time.ok()) {
    if (provisioning::format_utc_time(time.value()) != text) std::abort();
  }
  (void)provisioning::open_first_root(text);
  return 0;
}
