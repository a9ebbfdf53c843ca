// A signature file from anywhere: what parses serialises to text that parses to the same, and a payload that
// parses as a statement re-serialises to a fixed point.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/envelope.h"
#include "provisioning/statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto envelope = provisioning::parse_envelope(text); envelope.ok()) {
    const auto again = provisioning::parse_envelope(provisioning::serialize_envelope(envelope.value()));
    if (!again.ok() || again.value().payload != envelope.value().payload) std::abort();
  }
  if (const auto statement = provisioning::parse_statement(text); statement.ok()) {
    const std::string once = provisioning::serialize_statement(statement.value());
    const auto again = provisioning::parse_statement(once);
    if (!again.ok() || provisioning::serialize_statement(again.value()) != once) std::abort();
  }
  return 0;
}
