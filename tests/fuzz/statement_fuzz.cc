// A payload that parses as a statement is written to a text that parses to the same, and obeys the
// rules it was read by.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/statement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto statement =
      provisioning::parse_statement(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!statement.ok()) return 0;
  if (!provisioning::check_statement(statement.value()).ok()) std::abort();
  const std::string once = provisioning::serialize_statement(statement.value());
  const auto again = provisioning::parse_statement(once);
  if (!again.ok() || provisioning::serialize_statement(again.value()) != once) std::abort();
  return 0;
}
