// A signature file from anywhere: what parses serialises to text that parses to the same, and is
// nobody's that is trusted.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto envelope =
      provisioning::parse_envelope(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!envelope.ok()) return 0;
  const auto& first = envelope.value();
  const auto again = provisioning::parse_envelope(provisioning::serialize_envelope(first));
  if (!again.ok()) std::abort();
  const auto& second = again.value();
  if (second.payload != first.payload || second.signature != first.signature ||
      second.method != first.method || second.hint != first.hint ||
      second.certificates != first.certificates) {
    std::abort();
  }
  if (provisioning::verify_envelope(first, provisioning::SignatureTrust{}).ok()) std::abort();
  return 0;
}
