// Whatever parses must serialise to text that parses to the same value.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hardening/base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = base::Json::parse(text, {.bytes_max = 1 << 16, .depth_max = 16, .values_max = 4096});
  if (!value.ok()) return 0;
  const auto again = base::Json::parse(value.value().dump());
  if (!again.ok() || !(again.value() == value.value())) std::abort();
  return 0;
}
