// An index of parts from anywhere: what parses has sizes that add up, and is written as something
// that parses to the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/container/parts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto index = provisioning::parse_parts({reinterpret_cast<const char*>(data), size});
  if (!index.ok()) return 0;
  std::uint64_t sum = 0;
  for (std::size_t part = 0; part < index.value().sha256.size(); ++part) {
    const std::uint64_t bytes = index.value().size_of(part);
    if (bytes == 0 || bytes > index.value().part_bytes) std::abort();
    sum += bytes;
  }
  if (sum != index.value().bytes) std::abort();
  const std::string text = provisioning::serialize_parts(index.value());
  const auto again = provisioning::parse_parts(text);
  if (!again.ok() || provisioning::serialize_parts(again.value()) != text) std::abort();
  return 0;
}
