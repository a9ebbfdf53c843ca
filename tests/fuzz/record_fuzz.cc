// A record that parses is serialised to the very same bytes: there is one text for one record.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/audit/records/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto time = daemon_audit::parse_time_us(text);
  if (time.ok() && daemon_audit::format_time_us(time.value()) != text) std::abort();
  const auto record = daemon_audit::Record::parse(text);
  if (!record.ok()) return 0;
  const auto again = record.value().serialize();
  if (!again.ok() || again.value() != text) std::abort();
  return 0;
}
